// WebSocket frames (RFC 6455, 5.2) of whole messages, as a client and as a server writes them.
#ifndef FRAMES_H
#define FRAMES_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10, LONGEST_HEADER = 14, FIN = 0x80, MASKED = 0x80 };

// The handshake of the RFC's example: every client brings its key, so a server need not compute anything.
#define SAMPLE_KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define SAMPLE_ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

static const uint8_t MASK[4] = {0x37, 0xfa, 0x21, 0x3d};

typedef struct {
    unsigned opcode;
    unsigned header; // bytes before the payload
    size_t size;     // bytes of the payload
    const uint8_t *mask;
} Frame;

// Read a frame's header; 0 while not all of the frame is there.
static inline int frame_read(const uint8_t *bytes, size_t there, Frame *frame) {
    if (there < 2) return 0;
    size_t size = bytes[1] & 0x7f;
    unsigned header = 2;
    if (size >= 126) {
        unsigned width = size == 126 ? 2 : 8;
        if (there < header + width) return 0;
        size = 0;
        for (unsigned i = 0; i < width; i++) size = size << 8 | bytes[header + i];
        header += width;
    }
    frame->mask = bytes[1] & MASKED ? bytes + header : NULL;
    header += frame->mask ? 4 : 0;
    frame->opcode = bytes[0] & 0x0f;
    frame->header = header;
    frame->size = size;
    return there >= header + size;
}

static inline unsigned frame_header(uint8_t *out, unsigned opcode, size_t size, unsigned masked) {
    unsigned length = 2;
    out[0] = (uint8_t)(FIN | opcode);
    if (size < 126) {
        out[1] = (uint8_t)(masked | size);
    } else {
        unsigned width = size < 65536 ? 2 : 8;
        out[1] = (uint8_t)(masked | (width == 2 ? 126 : 127));
        for (unsigned i = 0; i < width; i++) out[2 + i] = (uint8_t)(size >> 8 * (width - 1 - i));
        length += width;
    }
    return length;
}

// Write a client's frame; returns its length. `out` has room for LONGEST_HEADER more than the payload.
static inline size_t frame_of_client(uint8_t *out, unsigned opcode, const void *payload, size_t size) {
    unsigned header = frame_header(out, opcode, size, MASKED);
    memcpy(out + header, MASK, sizeof MASK);
    header += sizeof MASK;
    for (size_t i = 0; i < size; i++) out[header + i] = ((const uint8_t *)payload)[i] ^ MASK[i % 4];
    return header + size;
}

// Write a server's frame of a payload that still wears a client's mask.
static inline size_t frame_of_server(uint8_t *out, const uint8_t *bytes, const Frame *frame) {
    unsigned header = frame_header(out, frame->opcode, frame->size, 0);
    for (size_t i = 0; i < frame->size; i++) {
        out[header + i] = bytes[frame->header + i] ^ (frame->mask ? frame->mask[i % 4] : 0);
    }
    return header + frame->size;
}
#endif
