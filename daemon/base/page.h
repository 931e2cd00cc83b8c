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

#include "base/histogram.h"
#include <stdatomic.h>
#include <stdint.h>
#include <troupe/address.h>

#define PAGE_BYTES       65536
#define PAGE_MAGIC       0x54525047u /* "TRPG" */
#define PAGE_FRAMES      48
#define PAGE_SYMBOL      120
#define PAGE_WHAT        160
#define PAGE_JOBS        64 /* threads that may run jobs at a time */
#define PAGE_SLOW        8  /* slow handlers, with so many frames each: */
#define PAGE_SLOW_FRAMES 24

/* What a thread that runs plug-in code is at. Written in this order: sequence (odd: in a
 * handler), then the rest; sequence even: between handlers. */
struct page_thread {
	_Atomic uint64_t sequence;
	_Atomic uint64_t actor;     /* slot << 32 | generation; 0: none */
	_Atomic uint64_t type_hash; /* of the message; small numbers: PAGE_DOING_* */
	_Atomic uint32_t version;   /* that the actor is of, by the master's number; 0: none */
	_Atomic uint32_t instance;
	_Atomic uint32_t thread_id; /* gettid() of the thread */
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
	PAGE_DOING_WATCH,
	PAGE_DOING_POST,
	PAGE_DOING_TASK,
	PAGE_DOING_JOB,
	PAGE_DOING_COUNT
};

/* What people read for it: "a timer". NULL: it is a message's hash. */
const char *page_doing_words(uint64_t doing);

/* How the stacks of tasks are guarded, see core/stacks.h. */
enum {
	PAGE_GUARD_UNKNOWN, /* none has been needed */
	PAGE_GUARD_MADVISE,
	PAGE_GUARD_PROTECT,
	PAGE_GUARD_CANARY,
	PAGE_GUARD_COUNT
};

/* "madvise", "mprotect", "canary". NULL: not known. */
const char *page_guard_words(uint32_t guard);

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
	struct page_thread thread; /* as it was then: that one's, or the plug-ins' */
	char what[PAGE_WHAT];      /* the worker's word on it; "": there is nothing to add */
};

/* A handler that takes long, as it was found while it ran. */
struct page_slow {
	_Atomic uint64_t
		number; /* since the process began, from 1; 0: none, or being written */
	_Atomic uint64_t for_ns; /* so far, or in all */
	_Atomic uint32_t is_over;
	uint32_t n_frames;
	struct page_thread thread; /* as it was then */
	struct page_frame frames[PAGE_SLOW_FRAMES];
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
	_Atomic uint64_t
		lost; /* bytes set aside for tasks that did not end, never used again */
	/* As the last Ping found it: */
	_Atomic uint64_t abandoned; /* stacks of tasks that did not end */
	_Atomic uint32_t guard;     /* PAGE_GUARD_* */
	_Alignas(64) struct page_crash crash;
	_Alignas(64) struct page_thread jobs[PAGE_JOBS]; /* of the pool's threads */
	struct page_slow slow[PAGE_SLOW]; /* the last ones, by number modulo PAGE_SLOW */
	struct histogram handlers;        /* how long they took, as far as that was measured */
	struct histogram passes; /* of the loop, from one look for what has come to the end */
};

_Static_assert(sizeof(struct page) <= PAGE_BYTES, "the page holds its struct");

#endif
