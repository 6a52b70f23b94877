// The floor: the least a server can do to hand each message of a publisher to all others, with one send() per client.
//
//     floor PORT [joined]
//
// Clients of /pub publish, all others receive. With `joined`, the messages of one read go out by one send() per client.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frames.h"

enum { BACKLOG = 4096, EVENTS = 512, MOST = 70000, ROOM = 1 << 20 };
enum { NOBODY, ARRIVED, SUBSCRIBER, PUBLISHER };

static const char WELCOME[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                              "Sec-WebSocket-Accept: " SAMPLE_ACCEPT "\r\n\r\n";
static uint8_t kind[MOST];
static int place[MOST]; // of a subscriber in the list
static int subscribers[MOST], count;
static uint8_t in[ROOM], out[ROOM];
static size_t kept; // bytes of a publisher's unfinished frame; there is one publisher
static int joined;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void send_to_all(size_t size) {
    for (int i = 0; i < count; i++) {
        if (send(subscribers[i], out, size, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)size) {
            fail("a client is too slow for the floor");
        }
    }
}

static void publish(size_t there) {
    size_t done = 0, filled = 0;
    Frame frame;
    while (frame_read(in + done, there - done, &frame)) {
        if (frame.opcode == TEXT) {
            filled += frame_of_server(out + filled, in + done, &frame);
            if (!joined) {
                send_to_all(filled);
                filled = 0;
            }
        }
        done += frame.header + frame.size;
    }
    if (filled) send_to_all(filled);
    kept = there - done;
    memmove(in, in + done, kept);
}

static void greet(int fd, const uint8_t *request) {
    kind[fd] = !memcmp(request, "GET /pub", 8) ? PUBLISHER : SUBSCRIBER;
    if (send(fd, WELCOME, sizeof WELCOME - 1, MSG_NOSIGNAL) < 0) return;
    if (kind[fd] == SUBSCRIBER) {
        place[fd] = count;
        subscribers[count++] = fd;
    }
}

static void leave(int fd) {
    if (kind[fd] == SUBSCRIBER) {
        int last = subscribers[--count];
        subscribers[place[fd]] = last;
        place[last] = place[fd];
    }
    if (kind[fd] == PUBLISHER) kept = 0;
    kind[fd] = NOBODY;
    close(fd);
}

static void hear(int fd) {
    static uint8_t small[4096];
    if (kind[fd] == PUBLISHER) {
        ssize_t got = recv(fd, in + kept, sizeof in - kept, 0);
        if (got <= 0) leave(fd);
        else publish(kept + (size_t)got);
        return;
    }
    ssize_t got = recv(fd, small, sizeof small, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN)) leave(fd);
    else if (got > 0 && kind[fd] == ARRIVED) greet(fd, small);
}

static void take_in(int listener, int epoll) {
    int fd, one = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        kind[fd] = ARRIVED;
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    }
}

static int listen_on(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, BACKLOG)) fail("listen");
    return fd;
}

int main(int words, char **word) {
    if (words < 2) return 2;
    joined = words > 2 && !strcmp(word[2], "joined");
    int listener = listen_on(atoi(word[1])), epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[EVENTS];
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.fd == listener) take_in(listener, epoll);
            else hear(events[i].data.fd);
        }
    }
}
