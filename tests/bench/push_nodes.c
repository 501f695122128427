// Many data planes that only listen, for `make bench-push`: one thread, one epoll.
//
//   push_nodes --port P --nodes N
//
// Each node is an HTTP/2 connection of its own with one delta discovery stream, as gRPC has it. It keeps the version of
// every resource it was sent, acknowledges every response by its nonce, keeps to the flow control windows of both
// sides, answers pings and settings, and opens the stream again with what it holds when it has ended. It decodes no
// header block: there is one request per connection, so nothing that follows depends on one.
//
// Commands come on stdin, one a line. Each is answered by one JSON object when it has happened at every node (times on
// CLOCK_MONOTONIC, which processes share); `expect` is answered twice, the first time when it was heard:
//
//     synced          every node holds the whole config -> {"at", "resources"}
//     expect NAME     every node has acknowledged an update of this route -> {}, {"first", "last"}
//     count           starts counting the resources that arrive anew -> {}
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { KINDS = 8, ROUTE = 6, LISTENER = 7, EVENTS = 256, READ_SIZE = 64 << 10, NAMES = 1 << 15, COMMAND = 512,
       CONNECTING_AT_ONCE = 50, RETRY_LEAST_MS = 100, RETRY_SPAN_MS = 300 };
enum { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION };
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4, PADDED = 8, STREAM = 1, FRAME_HEAD = 9, MESSAGE_HEAD = 5,
       INITIAL_WINDOW_SIZE = 4, MAX_FRAME_SIZE = 5, WINDOW = 65535, FRAME = 16384 };

static const char *const URLS[KINDS] = {
    "type.googleapis.com/outrider.v1.Endpoints", "type.googleapis.com/outrider.v1.Cluster",
    "type.googleapis.com/outrider.v1.ModelProvider", "type.googleapis.com/outrider.v1.Agent",
    "type.googleapis.com/outrider.v1.Filter", "type.googleapis.com/outrider.v1.Tracing",
    "type.googleapis.com/outrider.v1.Route", "type.googleapis.com/outrider.v1.Listener"};
static const char PATH[] = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";

struct bytes { uint8_t *at; size_t length, room; };
struct slice { const uint8_t *at; size_t length; };

enum state { WAITING, CONNECTING, OPEN };

struct node {
    int fd, number;
    enum state state;
    uint64_t retry_at_ms;
    bool synced, found;                // found: the expected update came, its acknowledgement is on its way
    bool listeners;                    // the same of the last type
    bool writing;                      // epoll tells when there is room
    struct bytes in, message, frames, requests;  // requests: what waits for the windows
    int64_t stream_window, window;     // of the control plane
    uint32_t initial_window, max_frame;
    uint32_t stream_taken, taken;      // received, and not given back to our own windows yet
    uint32_t *versions[KINDS];         // by number of the name; 0: not held
};

static struct node *nodes;
static int count, port, epoll_fd, connecting, synced, waiting;
static long resources;
static double first_at, last_at, synced_at;
static char expected[COMMAND];
static bool wants_synced, wants_update;

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void broken(const struct node *node, const char *what) {
    fprintf(stderr, "push_nodes: node %d: %s\n", node->number, what);
    exit(1);
}

static double now_s(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static uint64_t now_ms(void) { return (uint64_t)(now_s() * 1e3); }

// ---- bytes

static void reserve(struct bytes *bytes, size_t more) {
    if (bytes->length + more <= bytes->room) return;
    bytes->room = (bytes->length + more) * 2;
    bytes->at = realloc(bytes->at, bytes->room);
    if (bytes->at == NULL) die("realloc");
}

static void append(struct bytes *bytes, const void *from, size_t length) {
    reserve(bytes, length);
    memcpy(bytes->at + bytes->length, from, length);
    bytes->length += length;
}

static void append_byte(struct bytes *bytes, uint8_t byte) { append(bytes, &byte, 1); }

static void drop(struct bytes *bytes, size_t length) {
    bytes->length -= length;
    memmove(bytes->at, bytes->at + length, bytes->length);
}

static void append_32(struct bytes *bytes, uint32_t value) {
    value = htonl(value);
    append(bytes, &value, 4);
}

static uint32_t read_32(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

// ---- words: texts that many nodes hold, each once

struct word { char *text; size_t length; };
struct words { struct word of[NAMES]; uint32_t slots[NAMES * 2], used; };

static struct words names[KINDS], versions;

static uint32_t number_of(struct words *words, struct slice text) {
    uint32_t hash = 2166136261u;
    for (size_t at = 0; at < text.length; at++) hash = (hash ^ text.at[at]) * 16777619u;
    for (uint32_t slot = hash % (NAMES * 2);; slot = (slot + 1) % (NAMES * 2)) {
        const uint32_t number = words->slots[slot];
        if (number == 0) {
            if (++words->used == NAMES) {
                fprintf(stderr, "push_nodes: more than %d names or versions\n", NAMES);
                exit(1);
            }
            words->of[words->used] = (struct word){strndup((const char *)text.at, text.length), text.length};
            return words->slots[slot] = words->used;
        }
        const struct word *word = &words->of[number];
        if (word->length == text.length && memcmp(word->text, text.at, text.length) == 0) return number;
    }
}

// ---- protobuf

static void put_varint(struct bytes *bytes, uint64_t value) {
    while (value > 127) {
        append_byte(bytes, (uint8_t)(value | 128));
        value >>= 7;
    }
    append_byte(bytes, (uint8_t)value);
}

static void put_field(struct bytes *bytes, int field, const void *from, size_t length) {
    append_byte(bytes, (uint8_t)(field << 3 | 2));
    put_varint(bytes, length);
    append(bytes, from, length);
}

static uint64_t take_varint(struct slice *from, const struct node *node) {
    uint64_t value = 0;
    for (int shift = 0; from->length > 0 && shift < 64; shift += 7) {
        const uint8_t byte = *from->at++;
        from->length--;
        value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) return value;
    }
    broken(node, "a response is no protobuf");
    return 0;
}

// The next field that is length-delimited; others are passed over. 0 at the end.
static int take_field(struct slice *from, struct slice *value, const struct node *node) {
    while (from->length > 0) {
        const uint64_t tag = take_varint(from, node);
        uint64_t length = 0;
        switch (tag & 7) {
        case 0: take_varint(from, node); continue;
        case 1: length = 8; break;
        case 2: length = take_varint(from, node); break;
        case 5: length = 4; break;
        default: length = UINT64_MAX;
        }
        if (length > from->length) broken(node, "a response is cut off or has a field of another kind");
        *value = (struct slice){from->at, length};
        from->at += length;
        from->length -= length;
        if ((tag & 7) == 2) return (int)(tag >> 3);
    }
    return 0;
}

// ---- sending

static void put_frame(struct bytes *to, uint32_t length, int type, int flags, uint32_t stream) {
    append_32(to, length << 8 | (uint32_t)type);
    append_byte(to, (uint8_t)flags);
    append_32(to, stream);
}

static void put_message(struct node *node, const struct bytes *message) {
    append_byte(&node->requests, 0);  // not compressed
    append_32(&node->requests, (uint32_t)message->length);
    append(&node->requests, message->at, message->length);
}

static void put_literal(struct bytes *to, const char *text) {
    append_byte(to, (uint8_t)strlen(text));  // all are shorter than 127, none is Huffman coded
    append(to, text, strlen(text));
}

static void put_headers(struct node *node) {
    struct bytes block = {0};
    append(&block, "\x83\x86\x04", 3);  // POST, http, :path
    put_literal(&block, PATH);
    append_byte(&block, 0x01);  // :authority
    put_literal(&block, "127.0.0.1");
    append_byte(&block, 0x00);
    put_literal(&block, "te");
    put_literal(&block, "trailers");
    append(&block, "\x0f\x10", 2);  // content-type
    put_literal(&block, "application/grpc");
    append(&block, "\x0f\x2b", 2);  // user-agent
    put_literal(&block, "outrider-bench");
    put_frame(&node->frames, (uint32_t)block.length, HEADERS, END_HEADERS, STREAM);
    append(&node->frames, block.at, block.length);
    free(block.at);
}

// What a data plane says first: everything is wanted, and this is held already.
static void put_subscriptions(struct node *node) {
    struct bytes message = {0}, part = {0};
    for (int kind = 0; kind < KINDS; kind++) {
        message.length = 0;
        if (kind == 0) {
            char name[32];
            const int length = snprintf(name, sizeof name, "sim-%d/0", node->number);
            part.length = 0;
            put_field(&part, 1, name, (size_t)length);
            put_field(&part, 2, "default", 7);
            put_field(&message, 1, part.at, part.length);
        }
        put_field(&message, 2, URLS[kind], strlen(URLS[kind]));
        put_field(&message, 3, "*", 1);
        for (uint32_t name = 1; name <= names[kind].used; name++) {
            const uint32_t held = node->versions[kind][name];
            if (held == 0) continue;
            part.length = 0;
            put_field(&part, 1, names[kind].of[name].text, names[kind].of[name].length);
            put_field(&part, 2, versions.of[held].text, versions.of[held].length);
            put_field(&message, 5, part.at, part.length);
        }
        put_message(node, &message);
    }
    free(message.at);
    free(part.at);
}

static void say(const char *answer) {
    printf("%s\n", answer);
    fflush(stdout);
}

static void tell(void) {
    char answer[128];
    if (wants_synced && synced == count) {
        wants_synced = false;
        snprintf(answer, sizeof answer, "{\"at\": %.6f, \"resources\": %ld}", synced_at, resources);
        say(answer);
    }
    if (wants_update && waiting == 0) {
        wants_update = false;
        snprintf(answer, sizeof answer, "{\"first\": %.6f, \"last\": %.6f}", first_at, last_at);
        say(answer);
    }
}

// The kernel has all that the node had to say.
static void sent(struct node *node) {
    if (node->found) {
        node->found = false;
        if (--waiting == 0) last_at = now_s();
    }
    if (node->listeners) {
        node->listeners = false;
        if (!node->synced) {
            node->synced = true;
            if (++synced == count) synced_at = now_s();
        }
    }
}

static void end(struct node *node);

static void flush(struct node *node) {
    size_t done = 0;
    while (done < node->requests.length) {
        int64_t length = (int64_t)(node->requests.length - done);
        if (length > node->window) length = node->window;
        if (length > node->stream_window) length = node->stream_window;
        if (length > node->max_frame) length = node->max_frame;
        if (length <= 0) break;
        put_frame(&node->frames, (uint32_t)length, DATA, 0, STREAM);
        append(&node->frames, node->requests.at + done, (size_t)length);
        node->window -= length;
        node->stream_window -= length;
        done += (size_t)length;
    }
    if (done > 0) drop(&node->requests, done);
    while (node->frames.length > 0) {
        const ssize_t wrote = send(node->fd, node->frames.at, node->frames.length, MSG_NOSIGNAL);
        if (wrote < 0 && errno == EAGAIN) break;
        if (wrote < 0) {
            end(node);
            return;
        }
        drop(&node->frames, (size_t)wrote);
    }
    const bool full = node->frames.length > 0;
    if (full != node->writing) {
        struct epoll_event event = {.events = EPOLLIN | (full ? EPOLLOUT : 0), .data.ptr = node};
        if (epoll_ctl(epoll_fd, EPOLL_CTL_MOD, node->fd, &event) < 0) die("epoll_ctl");
        node->writing = full;
    }
    if (!full && node->requests.length == 0) sent(node);
}

// ---- a stream's life

static void set_state(struct node *node, enum state state) {
    connecting += (state == CONNECTING) - (node->state == CONNECTING);
    node->state = state;
}

// The stream has ended, however it did: another one soon.
static void end(struct node *node) {
    close(node->fd);
    node->fd = -1;
    set_state(node, WAITING);
    node->retry_at_ms = now_ms() + RETRY_LEAST_MS + (uint64_t)(rand() % RETRY_SPAN_MS);
    if (node->synced) synced--;
    // What was not acknowledged comes again, if it is new to us.
    node->synced = node->found = node->listeners = false;
}

static void open_stream(struct node *node) {
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    node->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (node->fd < 0) die("socket");
    const int on = 1;
    setsockopt(node->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    set_state(node, CONNECTING);
    node->in.length = node->message.length = node->frames.length = node->requests.length = 0;
    node->stream_window = node->window = node->initial_window = WINDOW;
    node->max_frame = FRAME;
    node->stream_taken = node->taken = 0;
    if (connect(node->fd, (const struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) {
        end(node);
        return;
    }
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = node};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, node->fd, &event) < 0) die("epoll_ctl");
    node->writing = true;
    static const char PREFACE[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    append(&node->frames, PREFACE, sizeof PREFACE - 1);
    put_frame(&node->frames, 0, SETTINGS, 0, 0);
    put_headers(node);
    put_subscriptions(node);
}

// ---- receiving

static bool is(struct slice one, const char *text) {
    return one.length == strlen(text) && memcmp(one.at, text, one.length) == 0;
}

static int kind_of(struct slice url) {
    for (int kind = 0; kind < KINDS; kind++)
        if (is(url, URLS[kind])) return kind;
    return -1;
}

static void keep(struct node *node, int kind, struct slice resource) {
    struct slice value, name = {0}, version = {0};
    for (int field; (field = take_field(&resource, &value, node)) != 0;) {
        if (field == 1) version = value;
        if (field == 3) name = value;
    }
    if (name.length == 0 || version.length == 0) broken(node, "a resource has no name or no version");
    node->versions[kind][number_of(&names[kind], name)] = number_of(&versions, version);
    resources++;
    if (wants_update && kind == ROUTE && is(name, expected)) {
        node->found = true;
        if (first_at == 0) first_at = now_s();
    }
}

static void respond(struct node *node, struct slice response) {
    struct slice url = {0}, nonce = {0}, value, rest = response;
    for (int field; (field = take_field(&rest, &value, node)) != 0;) {
        if (field == 4) url = value;
        if (field == 5) nonce = value;
    }
    const int kind = kind_of(url);
    if (kind < 0 || nonce.length == 0) broken(node, "a response has no nonce, or a type nobody asked for");
    rest = response;
    for (int field; (field = take_field(&rest, &value, node)) != 0;) {
        if (field == 2) keep(node, kind, value);
        if (field == 6) node->versions[kind][number_of(&names[kind], value)] = 0;
    }
    static struct bytes answer;
    answer.length = 0;
    put_field(&answer, 2, url.at, url.length);
    put_field(&answer, 6, nonce.at, nonce.length);
    put_message(node, &answer);
    if (kind == LISTENER) node->listeners = true;
}

// Windows of ours open again when half of them is used up.
static void give_back(struct node *node, uint32_t *taken, uint32_t length, uint32_t stream) {
    *taken += length;
    if (*taken < WINDOW / 2) return;
    put_frame(&node->frames, 4, WINDOW_UPDATE, 0, stream);
    append_32(&node->frames, *taken);
    *taken = 0;
}

static void take_data(struct node *node, struct slice data, int flags) {
    const uint32_t length = (uint32_t)data.length;
    if ((flags & PADDED) != 0) {
        if (data.length < 1 || data.at[0] >= data.length) broken(node, "a frame has more padding than bytes");
        data.length -= 1u + data.at[0];
        data.at++;
    }
    append(&node->message, data.at, data.length);
    size_t done = 0;
    while (node->message.length - done >= MESSAGE_HEAD) {
        const uint8_t *head = node->message.at + done;
        const size_t size = read_32(head + 1);
        if (head[0] != 0) broken(node, "a message is compressed, and nobody said that we can read it");
        if (node->message.length - done - MESSAGE_HEAD < size) break;
        respond(node, (struct slice){head + MESSAGE_HEAD, size});
        done += MESSAGE_HEAD + size;
    }
    if (done > 0) drop(&node->message, done);
    give_back(node, &node->taken, length, 0);
    give_back(node, &node->stream_taken, length, STREAM);
}

static void take_settings(struct node *node, struct slice payload) {
    for (; payload.length >= 6; payload.at += 6, payload.length -= 6) {
        const int id = payload.at[0] << 8 | payload.at[1];
        const uint32_t value = read_32(payload.at + 2);
        if (id == INITIAL_WINDOW_SIZE) {
            node->stream_window += (int64_t)value - node->initial_window;
            node->initial_window = value;
        }
        if (id == MAX_FRAME_SIZE) node->max_frame = value;
    }
    put_frame(&node->frames, 0, SETTINGS, ACK, 0);
    if (node->state == CONNECTING) set_state(node, OPEN);
}

// One frame; whether the stream goes on.
static bool take_frame(struct node *node, int type, int flags, uint32_t stream, struct slice payload) {
    switch (type) {
    case DATA:
        take_data(node, payload, flags);
        return (flags & END_STREAM) == 0;
    case HEADERS:
        return (flags & END_STREAM) == 0;
    case RST_STREAM:
        return false;
    case SETTINGS:
        if ((flags & ACK) == 0) take_settings(node, payload);
        return true;
    case PING:
        if (payload.length != 8) broken(node, "a ping has not 8 bytes");
        if ((flags & ACK) == 0) {
            put_frame(&node->frames, 8, PING, ACK, 0);
            append(&node->frames, payload.at, 8);
        }
        return true;
    case WINDOW_UPDATE:
        if (payload.length != 4) broken(node, "a window update has not 4 bytes");
        *(stream == 0 ? &node->window : &node->stream_window) += read_32(payload.at) & 0x7fffffff;
        return true;
    case PUSH_PROMISE:
        broken(node, "a push was not asked for");
        return false;
    default:  // GOAWAY: the stream ends by itself; the rest is of no consequence
        return true;
    }
}

static void receive(struct node *node) {
    reserve(&node->in, READ_SIZE);
    const ssize_t got = recv(node->fd, node->in.at + node->in.length, node->in.room - node->in.length, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
        end(node);
        return;
    }
    node->in.length += (size_t)got;
    size_t done = 0;
    while (node->in.length - done >= FRAME_HEAD) {
        const uint8_t *head = node->in.at + done;
        const size_t length = read_32(head) >> 8;
        if (length > FRAME) broken(node, "a frame is longer than we allow");
        if (node->in.length - done - FRAME_HEAD < length) break;
        const struct slice payload = {head + FRAME_HEAD, length};
        if (!take_frame(node, head[3], head[4], read_32(head + 5) & 0x7fffffff, payload)) {
            end(node);
            return;
        }
        done += FRAME_HEAD + length;
    }
    if (done > 0) drop(&node->in, done);
    flush(node);
}

// ---- commands

static void obey(char *command) {
    if (strcmp(command, "synced") == 0) {
        wants_synced = true;
    } else if (strncmp(command, "expect ", 7) == 0) {
        strcpy(expected, command + 7);
        first_at = last_at = 0;
        waiting = count;
        wants_update = true;
        say("{}");
    } else if (strcmp(command, "count") == 0) {
        resources = 0;
        for (int at = 0; at < count; at++) nodes[at].synced = false;
        synced = 0;
        say("{}");
    } else {
        fprintf(stderr, "push_nodes: unknown command %s\n", command);
        exit(1);
    }
}

static void read_commands(void) {
    static char line[COMMAND];
    static size_t length;
    const ssize_t got = read(STDIN_FILENO, line + length, sizeof line - 1 - length);
    if (got <= 0) exit(0);  // the farewell
    length += (size_t)got;
    for (char *newline; (newline = memchr(line, '\n', length)) != NULL;) {
        *newline = '\0';
        obey(line);
        length -= (size_t)(newline + 1 - line);
        memmove(line, newline + 1, length);
    }
    if (length == sizeof line - 1) die("a command is too long");
}

static void open_some(void) {
    const uint64_t now = now_ms();
    for (int at = 0; at < count && connecting < CONNECTING_AT_ONCE; at++)
        if (nodes[at].state == WAITING && nodes[at].retry_at_ms <= now) open_stream(&nodes[at]);
}

static void read_options(int argc, char **argv) {
    static const struct option known[] = {
        {"port", required_argument, NULL, 'p'}, {"nodes", required_argument, NULL, 'n'}, {0}};
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (option == 'p') port = atoi(optarg);
        else if (option == 'n') count = atoi(optarg);
        else exit(2);
    }
    if (port <= 0 || count <= 0) {
        fprintf(stderr, "push_nodes: --port and --nodes are needed\n");
        exit(2);
    }
}

int main(int argc, char **argv) {
    read_options(argc, argv);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    nodes = calloc((size_t)count, sizeof *nodes);
    if (nodes == NULL || epoll_fd < 0) die("push_nodes");
    for (int at = 0; at < count; at++) {
        nodes[at].number = at;
        for (int kind = 0; kind < KINDS; kind++) {
            // Untouched pages cost nothing.
            nodes[at].versions[kind] = calloc(NAMES, sizeof(uint32_t));
            if (nodes[at].versions[kind] == NULL) die("calloc");
        }
    }
    struct epoll_event events[EVENTS] = {{.events = EPOLLIN, .data.ptr = NULL}};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &events[0]) < 0) die("epoll_ctl");
    while (true) {
        if (synced < count) open_some();
        tell();
        const int ready = epoll_wait(epoll_fd, events, EVENTS, synced < count ? 10 : -1);
        if (ready < 0 && errno != EINTR) die("epoll_wait");
        for (int at = 0; at < ready; at++) {
            struct node *node = events[at].data.ptr;
            if (node == NULL) {
                read_commands();
                continue;
            }
            if (node->fd >= 0 && (events[at].events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) receive(node);
            if (node->fd >= 0 && (events[at].events & EPOLLOUT) != 0) flush(node);
        }
    }
}
