/* crash_text.h - text put together in a fault handler: no stdio, no memory, no locale.
 *
 * Memory of the caller; async-signal-safe. What does not fit is cut.
 */
#ifndef WORKER_CRASH_TEXT_H
#define WORKER_CRASH_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct crash_text {
	char *at;
	size_t room; /* for characters, the NUL not among them */
};

/* Each leaves a NUL behind the text. */
void crash_text_add(struct crash_text *text, const char *string);
void crash_text_add_number(struct crash_text *text, uint64_t number, unsigned base);
/* "0x1c" */
void crash_text_add_hex(struct crash_text *text, uint64_t number);
/* "hello.so(on_greet+0x1c)" */
void crash_text_add_location(struct crash_text *text, const char *module, const char *function,
			     uint64_t offset);

#endif
