// WebSocket clients of one server: how they connect, join, and check that each message reaches each of them once.
#ifndef CLIENTS_H
#define CLIENTS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"

// How a client becomes a subscriber once the handshake is done.
typedef enum {
    PLAIN,      // by the path it connected to
    SOCKETIO,   // by Socket.IO's connect packet
    CENTRIFUGE, // by connecting with a token and subscribing to channels
} Manner;

typedef enum { AWAY, CONNECTING, SHAKING, JOINING, READY } State;

typedef struct {
    int fd;
    uint8_t state;
    uint8_t replies;  // how many commands of joining were answered
    uint32_t kept;    // bytes of an unfinished frame
    uint32_t room;    // allocated for them
    uint8_t *rest;
    uint64_t seen;    // the number of the newest message
    uint64_t returns; // when one who is away connects again, while clients are returning
} Client;

typedef struct {
    Manner manner;
    int port;
    const char *path, *publish_path;
    char **tokens;   // one per client, in turn
    int token_count;
    char **channels; // `%` in a name stands for the client's number
    int channel_count;
} Plan;

// What has happened since the last answer.
typedef struct {
    uint64_t refused, fallen, lost, doubled, deliveries;
    Durations arrivals; // from publishing to arrival
    Durations waits;    // from the order to return to being ready again
} Tally;

extern Plan plan;
extern Tally tally;
extern Client *clients, publisher;
extern int client_count; // those who were ever told to connect
extern int ready_count;  // of these, those who are subscribed
extern int pending;      // of these, those who are connecting or joining
extern uint64_t top;     // the number of the newest message published
extern uint64_t seen_sum;
extern uint64_t returning_since; // when clients were told to return; 0 while they are not

void clients_prepare(int most);
void client_connect(Client *client);
void client_hear(Client *client, bool writable);
void client_leave(Client *client);
bool client_send(Client *client, unsigned opcode, const char *text, size_t size);
bool client_write(Client *client, const uint8_t *bytes, size_t size);
#endif
