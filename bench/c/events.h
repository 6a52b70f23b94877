// The one epoll, and which of its events are not a client's.
#ifndef EVENTS_H
#define EVENTS_H
#include <stdint.h>

#define PUBLISHER_EVENT UINT32_MAX
#define ORDERS_EVENT (UINT32_MAX - 1)

extern int events;
#endif
