// WebSocket clients: non-blocking sockets, a state each, and what the server says parsed as it comes.
#define _GNU_SOURCE
#include "clients.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "events.h"
#include "frames.h"

enum { ROOM = 1 << 20, PER_ADDRESS = 20000, RETRY_MS = 500 };

Plan plan;
Tally tally;
Client *clients, publisher = {.fd = -1};
int client_count, ready_count, pending;
uint64_t top, seen_sum, returning_since;

static uint8_t in[ROOM], out[ROOM];

// Say why a server refuses, the first few times.
static void complain(const char *text, size_t size) {
    static int said;
    if (said++ < 3) fprintf(stderr, "refused: %.*s\n", (int)(size > 200 ? 200 : size), text);
}

static uint32_t number_of(const Client *client) {
    return client == &publisher ? PUBLISHER_EVENT : (uint32_t)(client - clients);
}

void clients_prepare(int most) {
    clients = calloc((size_t)most, sizeof *clients);
    for (int i = 0; i < most; i++) clients[i].fd = -1;
}

// Ports of one address are soon used up, so clients spread over 127.0.0.2 and its successors.
static void bind_source(int fd, uint32_t number) {
    int one = 1;
    struct sockaddr_in source = {.sin_family = AF_INET};
    source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + (number == PUBLISHER_EVENT ? 0 : number / PER_ADDRESS));
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&source, sizeof source)) perror("bind");
}

void client_connect(Client *client) {
    int one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)plan.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (client->fd < 0) {
        perror("socket");
        exit(1);
    }
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    bind_source(client->fd, number_of(client));
    client->state = CONNECTING;
    client->kept = 0;
    client->replies = 0;
    pending++;
    if (connect(client->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS) {
        client_leave(client);
        return;
    }
    struct epoll_event event = {.events = EPOLLOUT, .data.u32 = number_of(client)};
    epoll_ctl(events, EPOLL_CTL_ADD, client->fd, &event);
}

void client_leave(Client *client) {
    if (client->state == AWAY) return;
    if (client->state == READY) {
        tally.fallen++;
        if (client != &publisher) {
            ready_count--;
            seen_sum -= client->seen;
        }
    } else {
        tally.refused++;
        pending--;
    }
    close(client->fd);
    client->fd = -1;
    client->state = AWAY;
    client->returns = now_ns() + (uint64_t)(RETRY_MS + rand() % RETRY_MS) * 1000000u;
}

bool client_write(Client *client, const uint8_t *bytes, size_t size) {
    while (size) {
        ssize_t sent = send(client->fd, bytes, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            usleep(100);
            continue;
        }
        if (sent < 0) {
            client_leave(client);
            return false;
        }
        bytes += sent;
        size -= (size_t)sent;
    }
    return true;
}

bool client_send(Client *client, unsigned opcode, const char *text, size_t size) {
    return client_write(client, out, frame_of_client(out, opcode, text, size));
}

static void shake(Client *client) {
    char request[512];
    const char *path = client == &publisher ? plan.publish_path : plan.path;
    int size = snprintf(request, sizeof request,
                        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Key: " SAMPLE_KEY "\r\nSec-WebSocket-Version: 13\r\n"
                        "Origin: http://127.0.0.1:%d\r\n\r\n",
                        path, plan.port, plan.port);
    client->state = SHAKING;
    client_write(client, (const uint8_t *)request, (size_t)size);
}

static void become_ready(Client *client) {
    client->state = READY;
    pending--;
    if (client == &publisher) return;
    ready_count++;
    client->seen = top;
    seen_sum += top;
    if (returning_since) durations_add(&tally.waits, now_ns() - returning_since);
}

// Write `name` with its `%` as the client's number.
static int channel_name(char *text, size_t room, const char *name, uint32_t number) {
    const char *mark = strchr(name, '%');
    if (!mark) return snprintf(text, room, "%s", name);
    return snprintf(text, room, "%.*s%u%s", (int)(mark - name), name, number, mark + 1);
}

// Send connect and all subscribes in one frame, as centrifuge-js does.
static void join_centrifuge(Client *client) {
    char text[8192], name[256];
    uint32_t number = number_of(client);
    int size = snprintf(text, sizeof text, "{\"id\":1,\"connect\":{\"token\":\"%s\",\"name\":\"js\"}}",
                        plan.token_count ? plan.tokens[number % (uint32_t)plan.token_count] : "");
    for (int i = 0; i < plan.channel_count; i++) {
        channel_name(name, sizeof name, plan.channels[i], number);
        size += snprintf(text + size, sizeof text - (size_t)size,
                         "\n{\"id\":%d,\"subscribe\":{\"channel\":\"%s\"}}", i + 2, name);
    }
    client_send(client, TEXT, text, (size_t)size);
}

static void join(Client *client) {
    client->state = JOINING;
    if (plan.manner == SOCKETIO) client_send(client, TEXT, "40", 2);
    else if (plan.manner == CENTRIFUGE) join_centrifuge(client);
    else become_ready(client);
}

static uint64_t digits(const char *text, int count) {
    uint64_t value = 0;
    for (int i = 0; i < count; i++) value = value * 10 + (uint64_t)(text[i] - '0');
    return value;
}

// Find the mark `@#<10 digits: number>:<17 digits: nanoseconds>@` in what came, once per message.
static void count_messages(Client *client, const char *text, size_t size, uint64_t now) {
    const char *end = text + size;
    while ((text = memmem(text, (size_t)(end - text), "@#", 2)) && end - text >= 31) {
        uint64_t number = digits(text + 2, 10);
        if (number <= client->seen) {
            tally.doubled++;
        } else {
            tally.lost += number - client->seen - 1;
            seen_sum += number - client->seen;
            client->seen = number;
            tally.deliveries++;
            durations_add(&tally.arrivals, now - digits(text + 13, 17));
        }
        text += 31;
    }
}

static void hear_centrifuge(Client *client, const char *text, size_t size, uint64_t now) {
    const char *end = text + size;
    while (text < end && client->state != AWAY) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        size_t length = (size_t)((stop ? stop : end) - text);
        if (length == 2) {
            client_send(client, TEXT, "{}", 2);
        } else if (client->state == READY) {
            count_messages(client, text, length, now);
        } else if (length > 5 && !memcmp(text, "{\"id\":", 6)) {
            if (memmem(text, length, "\"error\":", 8)) {
                complain(text, length);
                client_leave(client);
                return;
            }
            if (++client->replies == plan.channel_count + 1) become_ready(client);
        }
        text += length + 1;
    }
}

static void hear_socketio(Client *client, const char *text, size_t size, uint64_t now) {
    if (size == 1 && *text == '2') client_send(client, TEXT, "3", 1);
    else if (client->state == JOINING && size >= 2 && !memcmp(text, "40", 2)) become_ready(client);
    else if (client != &publisher) count_messages(client, text, size, now);
}

static void hear_message(Client *client, const Frame *frame, const char *payload, uint64_t now) {
    if (frame->opcode == PING) client_send(client, PONG, payload, frame->size);
    else if (frame->opcode == CLOSE) client_leave(client);
    else if (frame->opcode != TEXT && frame->opcode != BINARY) return;
    else if (plan.manner == CENTRIFUGE) hear_centrifuge(client, payload, frame->size, now);
    else if (plan.manner == SOCKETIO) hear_socketio(client, payload, frame->size, now);
    else if (client != &publisher) count_messages(client, payload, frame->size, now);
}

static size_t hear_handshake(Client *client, size_t there) {
    const uint8_t *end = memmem(in, there, "\r\n\r\n", 4);
    if (!end) return 0;
    if (memcmp(in, "HTTP/1.1 101", 12)) {
        complain((const char *)in, there);
        client_leave(client);
        return there;
    }
    join(client);
    return (size_t)(end + 4 - in);
}

static void keep(Client *client, size_t from, size_t there) {
    client->kept = (uint32_t)(there - from);
    if (client->kept > client->room) {
        client->room = client->kept;
        client->rest = realloc(client->rest, client->room);
    }
    if (client->kept) memcpy(client->rest, in + from, client->kept);
}

static void connected(Client *client) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) {
        client_leave(client);
        return;
    }
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = number_of(client)};
    epoll_ctl(events, EPOLL_CTL_MOD, client->fd, &event);
    shake(client);
}

void client_hear(Client *client, bool writable) {
    if (client->state == AWAY) return;
    if (client->state == CONNECTING) {
        if (writable) connected(client);
        return;
    }
    size_t done = 0, there = client->kept;
    if (there) memcpy(in, client->rest, there);
    ssize_t got = recv(client->fd, in + there, sizeof in - there, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
        client_leave(client);
        return;
    }
    there += (size_t)got;
    uint64_t now = now_ns();
    if (client->state == SHAKING) done = hear_handshake(client, there);
    Frame frame;
    while (client->state > SHAKING && frame_read(in + done, there - done, &frame)) {
        hear_message(client, &frame, (const char *)in + done + frame.header, now);
        done += frame.header + frame.size;
    }
    if (client->state != AWAY) keep(client, done, there);
}
