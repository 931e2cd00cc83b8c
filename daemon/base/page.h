/* page.h - a worker's status page: what it is doing, readable by the master even when it is
 * dead.
 *
 * A memfd, made and sealed against shrink and grow by the master, mapped shared by both. The
 * worker writes the thread record before each handler (plain stores, no clock) and the crash
 * record in its fault handler. The master reads it as hostile data: every value may change at
 * any moment and mean anything.
 */
#ifndef BASE_PAGE_H
#define BASE_PAGE_H

#include <stdatomic.h>
#include <stdint.h>
#include <troupe/address.h>

#define PAGE_BYTES  65536
#define PAGE_MAGIC  0x54525047u /* "TRPG" */
#define PAGE_FRAMES 48
#define PAGE_SYMBOL 120

/* What the thread that runs plug-in code is at. Written in this order: sequence (odd: in a
 * handler), then the rest; sequence even: between handlers. */
struct page_thread {
	_Atomic uint64_t sequence;
	_Atomic uint64_t actor;     /* slot << 32 | generation; 0: none */
	_Atomic uint64_t type_hash; /* of the message; small numbers: PAGE_DOING_* */
	_Atomic uint32_t version;   /* that the actor is of, by the master's number; 0: none */
	_Atomic uint32_t instance;
	_Atomic uint32_t thread_id; /* gettid() of the plug-in thread */
	uint32_t reserved;
	/* The last client's call that was handled, by the master's number, and the sequence of
	 * its handler: while that is the sequence above, it is what the thread is at. */
	_Atomic uint64_t call, call_sequence;
};

/* In place of a message's hash */
enum {
	PAGE_DOING_NOTHING,
	PAGE_DOING_INIT,
	PAGE_DOING_FINI,
	PAGE_DOING_REPLY,
	PAGE_DOING_TIMER,
	PAGE_DOING_ROOM,
	PAGE_DOING_CANCEL,
	PAGE_DOING_LOAD,
	PAGE_DOING_DEFINE,
	PAGE_DOING_COUNT
};

/* What people read for it: "a timer". NULL: it is a message's hash. */
const char *page_doing_words(uint64_t doing);

/* A place in the code. */
struct page_frame {
	char text[PAGE_SYMBOL]; /* "hello.so(on_greet+0x1c)", NUL-terminated */
	/* The plug-in that it lies in, by the number in its Load; 0: in none. Then its address
	 * in the file, of the call where it is a return address. */
	uint32_t plugin;
	uint32_t reserved;
	uint64_t address;
};

/* The last words, written by the fault handler on its alternate stack. */
struct page_crash {
	_Atomic uint32_t written; /* 1 when all the rest is there */
	int32_t signal;
	int32_t code;       /* si_code */
	uint32_t thread_id; /* of the thread that faulted */
	uint64_t address;   /* si_addr */
	uint32_t n_frames;
	uint32_t reserved;
	struct page_frame frames[PAGE_FRAMES]; /* innermost first */
	struct page_thread thread;             /* as it was then */
};

struct page {
	uint32_t magic;
	uint32_t worker;
	uint32_t incarnation;
	uint32_t reserved;
	_Alignas(64) struct page_thread thread;
	_Alignas(64) _Atomic uint64_t messages; /* handled so far */
	_Atomic uint64_t actors;                /* alive */
	_Atomic uint64_t dead_letters;
	_Atomic uint64_t memory; /* bytes held in slabs */
	_Alignas(64) struct page_crash crash;
};

_Static_assert(sizeof(struct page) <= PAGE_BYTES, "the page holds its struct");

#endif
