// Many WebSocket clients in one process, which take orders.
//
//     load plain|socketio|centrifuge PORT MOST PATH PUBLISH_PATH [TOKENS_FILE CHANNEL...]
//
// An order is a line on standard input; each is answered by one line of JSON, which tells what has happened since the
// last one. Clients answer pings all the time.
//
//     open COUNT AT_ONCE       connect so many more
//     drop COUNT               let go of those who came last
//     publish SECONDS BURST    publish so many messages at once, as soon as everybody has the last ones
//     publish_so_many COUNT    publish so many, one by one in the same way
//     await NUMBER             wait until everybody has the message of this number, which somebody else publishes
//     return SPREAD_MS         connect all who have fallen, each within this time, again and again
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "clients.h"
#include "events.h"
#include "frames.h"

enum { MESSAGE = 128, EVENTS = 1024, LONGEST_LINE = 256 };
static const uint64_t SECOND = 1000000000u, PATIENCE = 20 * 1000000000ull;

typedef enum { NOTHING, OPEN, PUBLISH, AWAIT, RETURN } Doing;

int events;
static int most;
static Doing doing;
static int target, at_once;      // of opening
static int burst;                // of publishing
static uint64_t published, until, count_left;
static uint64_t began, progressed, progress;
static uint8_t outgoing[1 << 17];

static void answer(void) {
    uint64_t expected = (uint64_t)ready_count * top;
    const Durations *arrivals = &tally.arrivals, *waits = &tally.waits;
    printf("{\"ready\":%d,\"refused\":%lu,\"fallen\":%lu,\"lost\":%lu,\"doubled\":%lu,\"missing\":%lu,"
           "\"published\":%lu,\"deliveries\":%lu,\"seconds\":%.6f,"
           "\"p50_us\":%.1f,\"p99_us\":%.1f,\"longest_us\":%.1f,\"wait_p50_ms\":%.1f,\"wait_longest_ms\":%.1f}\n",
           ready_count, tally.refused, tally.fallen, tally.lost, tally.doubled,
           expected > seen_sum ? expected - seen_sum : 0, published, tally.deliveries,
           (double)(now_ns() - began) / 1e9, (double)durations_at(arrivals, 0.5) / 1e3,
           (double)durations_at(arrivals, 0.99) / 1e3, (double)arrivals->longest / 1e3,
           (double)durations_at(waits, 0.5) / 1e6, (double)waits->longest / 1e6);
    fflush(stdout);
    memset(&tally, 0, sizeof tally);
    doing = NOTHING;
    published = 0;
    returning_since = 0;
}

static size_t message(char *text) {
    int size = snprintf(text, MESSAGE + 1, "{\"mark\":\"@#%010lu:%017lu@\",\"fill\":\"", top, now_ns());
    memset(text + size, 'x', (size_t)(MESSAGE - 2 - size));
    memcpy(text + MESSAGE - 2, "\"}", 2);
    return MESSAGE;
}

static void publish_burst(void) {
    char text[MESSAGE + 32];
    size_t filled = 0;
    for (int i = 0; i < burst; i++) {
        top++;
        size_t start = plan.manner == SOCKETIO ? (size_t)sprintf(text, "42[\"pub\",") : 0;
        size_t size = start + message(text + start);
        if (start) text[size++] = ']';
        filled += frame_of_client(outgoing + filled, TEXT, text, size);
    }
    published += (uint64_t)burst;
    client_write(&publisher, outgoing, filled);
}

static void go_on_opening(void) {
    while (client_count < target && pending < at_once) client_connect(&clients[client_count++]);
    if (client_count == target && !pending) answer();
}

static void go_on_publishing(uint64_t now) {
    if (publisher.state == AWAY) client_connect(&publisher);
    if (publisher.state != READY || seen_sum < (uint64_t)ready_count * top) return;
    if (count_left) count_left--;
    else if (now >= until) {
        answer();
        return;
    }
    publish_burst();
}

static void go_on_returning(uint64_t now) {
    for (int i = 0; i < client_count; i++) {
        if (clients[i].state == AWAY && clients[i].returns <= now) client_connect(&clients[i]);
    }
    if (ready_count == client_count) answer();
}

static void go_on(void) {
    uint64_t now = now_ns(), sum = seen_sum + (uint64_t)ready_count + tally.refused;
    if (doing == NOTHING) return;
    if (sum != progress) {
        progress = sum;
        progressed = now;
    } else if (now - progressed > PATIENCE) {
        answer(); // what is missing is in the answer
        return;
    }
    if (doing == OPEN) go_on_opening();
    else if (doing == PUBLISH) go_on_publishing(now);
    else if (doing == RETURN) go_on_returning(now);
    else if (seen_sum >= (uint64_t)ready_count * top) answer();
}

static void drop(int count) {
    while (count-- && client_count) {
        client_leave(&clients[--client_count]);
    }
    tally.fallen = 0;
    answer();
}

static void order(const char *line) {
    char word[24] = "";
    double first = 0, second = 0;
    sscanf(line, "%23s %lf %lf", word, &first, &second);
    began = progressed = now_ns();
    if (!strcmp(word, "open")) {
        doing = OPEN;
        target = client_count + (int)first > most ? most : client_count + (int)first;
        at_once = (int)second;
    } else if (!strcmp(word, "drop")) {
        drop((int)first);
    } else if (!strcmp(word, "publish")) {
        doing = PUBLISH;
        until = began + (uint64_t)(first * (double)SECOND);
        burst = (int)second;
    } else if (!strcmp(word, "publish_so_many")) {
        doing = PUBLISH;
        until = began;
        count_left = (uint64_t)first;
        burst = 1;
    } else if (!strcmp(word, "await")) {
        doing = AWAIT;
        top = (uint64_t)first;
    } else if (!strcmp(word, "return")) {
        doing = RETURN;
        returning_since = began;
        for (int i = 0; i < client_count; i++) {
            clients[i].returns = began + (uint64_t)(first * 1e6 * rand() / RAND_MAX);
        }
    } else {
        fprintf(stderr, "no such order: %s\n", line);
        exit(2);
    }
}

static void take_orders(void) {
    static char line[LONGEST_LINE];
    static size_t length;
    ssize_t got = read(STDIN_FILENO, line + length, sizeof line - 1 - length);
    if (got <= 0) exit(0);
    length += (size_t)got;
    line[length] = 0;
    if (line[length - 1] != '\n') return;
    length = 0;
    order(line);
}

static void read_tokens(const char *file) {
    char *text = NULL;
    size_t room = 0;
    FILE *tokens = fopen(file, "r");
    if (!tokens) {
        perror(file);
        exit(1);
    }
    while (getline(&text, &room, tokens) > 0) {
        text[strcspn(text, "\n")] = 0;
        plan.tokens = realloc(plan.tokens, (size_t)(plan.token_count + 1) * sizeof *plan.tokens);
        plan.tokens[plan.token_count++] = strdup(text);
    }
    fclose(tokens);
}

int main(int words, char **word) {
    if (words < 6) return 2;
    plan.manner = !strcmp(word[1], "centrifuge") ? CENTRIFUGE : !strcmp(word[1], "socketio") ? SOCKETIO : PLAIN;
    plan.port = atoi(word[2]);
    most = atoi(word[3]);
    plan.path = word[4];
    plan.publish_path = word[5];
    if (words > 6) read_tokens(word[6]);
    plan.channels = word + 7;
    plan.channel_count = words > 7 ? words - 7 : 0;
    clients_prepare(most);
    events = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = ORDERS_EVENT}, ready[EVENTS];
    epoll_ctl(events, EPOLL_CTL_ADD, STDIN_FILENO, &event);
    for (;;) {
        int count = epoll_wait(events, ready, EVENTS, doing == RETURN ? 5 : 100);
        for (int i = 0; i < count; i++) {
            uint32_t number = ready[i].data.u32;
            if (number == ORDERS_EVENT) take_orders();
            else client_hear(number == PUBLISHER_EVENT ? &publisher : &clients[number], ready[i].events & EPOLLOUT);
        }
        go_on();
    }
}
