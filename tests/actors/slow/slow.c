/* slow.c - answer late, or in ways that no good actor would. */
#include "slow.varlink.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <troupe/actor.h>

enum kind { KIND_ANSWER, KIND_STREAM, KIND_BURST, KIND_NEVER };

/* A call that is kept. */
struct waiter {
	struct waiter *next;
	enum kind kind;
	uint64_t number; /* its own; the context of its timer */
	struct troupe_call call;
	struct troupe_kept *kept; /* KIND_ANSWER: what text lies in */
	const char *text;
	int64_t given, count; /* replies of a stream */
	struct troupe_timer timer;
};

struct slow {
	struct waiter *waiters;
	uint64_t last_number;
	int64_t n_waiters;
	int64_t n_cancelled;
};

static int on_due(struct troupe_self *self, struct slow *me, uint64_t context);
TROUPE_TIMER(on_due, struct slow)

static void remove_waiter(struct troupe_self *self, struct slow *me, struct waiter **place)
{
	struct waiter *waiter = *place;

	*place = waiter->next;
	if (waiter->timer.id)
		troupe_timer_stop(self, waiter->timer);
	troupe_release(self, waiter->kept);
	free(waiter);
	me->n_waiters--;
}

/* Keep a call; with a period, its timer ticks from now on. */
static int wait_with(struct troupe_self *self, struct slow *me, const struct waiter *begun,
		     int64_t delay_ms, bool repeat)
{
	uint64_t delay_ns = (uint64_t)delay_ms * TROUPE_MS_NS;
	struct waiter *waiter = malloc(sizeof(*waiter));
	int r;

	if (!waiter)
		return -ENOMEM;
	*waiter = *begun;
	waiter->next = me->waiters;
	waiter->number = ++me->last_number;
	me->waiters = waiter;
	me->n_waiters++;
	r = troupe_call_keep(self, &waiter->call);
	if (r == 0 && waiter->kind == KIND_ANSWER)
		r = troupe_keep(self, &waiter->kept);
	if (r == 0 && (waiter->kind == KIND_ANSWER || waiter->kind == KIND_STREAM))
		r = troupe_timer_start(self, &on_due_entry, delay_ns, repeat ? delay_ns : 0,
				       waiter->number, &waiter->timer);
	if (r < 0)
		remove_waiter(self, me, &me->waiters);
	return r;
}

static int on_answer(struct troupe_self *self, struct slow *me, struct slow_answer_call call,
		     const struct slow_answer *in)
{
	if (in->delayMs < 0)
		return slow_answer_fail_parameter(self, call, "delayMs",
						  "must not be negative");
	return wait_with(
		self, me,
		&(struct waiter){.kind = KIND_ANSWER, .call = call.call, .text = in->text},
		in->delayMs, false);
}

static int on_stream(struct troupe_self *self, struct slow *me, struct slow_stream_call call,
		     const struct slow_stream *in)
{
	if (in->count < 1)
		return slow_stream_fail_parameter(self, call, "count", "must be at least 1");
	if (in->periodMs < 1)
		return slow_stream_fail_parameter(self, call, "periodMs", "must be at least 1");
	return wait_with(
		self, me,
		&(struct waiter){.kind = KIND_STREAM, .call = call.call, .count = in->count},
		in->periodMs, true);
}

static int on_due(struct troupe_self *self, struct slow *me, uint64_t context)
{
	struct waiter **place = &me->waiters;
	int r = 0;

	while (*place && (*place)->number != context)
		place = &(*place)->next;
	struct waiter *waiter = *place;
	if (!waiter)
		return 0;
	if (waiter->kind == KIND_STREAM) {
		struct slow_stream_call call = {waiter->call};
		const struct slow_stream_out out = {.number = waiter->given + 1};

		if (out.number < waiter->count && slow_stream_wants_more(self, call)) {
			r = slow_stream_reply(self, call, &out);
			if (r == 0)
				waiter->given++;
			return r == -EAGAIN ? 0 : r;
		}
		r = slow_stream_return(self, call, &out);
	} else {
		waiter->timer = (struct troupe_timer){0};
		r = slow_answer_return(self, (struct slow_answer_call){waiter->call},
				       &(struct slow_answer_out){.text = waiter->text});
	}
	remove_waiter(self, me, place);
	return r;
}

/* Reply until the caller takes no more. 1: that was the last one. */
static int burst(struct troupe_self *self, struct waiter *waiter)
{
	struct slow_burst_call call = {waiter->call};

	for (; waiter->given + 1 < waiter->count; waiter->given++) {
		int r = slow_burst_reply(self, call,
					 &(struct slow_burst_out){.number = waiter->given + 1});

		if (r < 0)
			return r == -EAGAIN ? 0 : r;
	}
	int r = slow_burst_return(self, call,
				  &(struct slow_burst_out){.number = waiter->count});
	return r < 0 ? r : 1;
}

static int on_burst(struct troupe_self *self, struct slow *me, struct slow_burst_call call,
		    const struct slow_burst *in)
{
	if (in->count < 1)
		return slow_burst_fail_parameter(self, call, "count", "must be at least 1");
	int r = wait_with(
		self, me,
		&(struct waiter){.kind = KIND_BURST, .call = call.call, .count = in->count}, 0,
		false);
	if (r < 0)
		return r;
	r = burst(self, me->waiters);
	if (r != 0)
		remove_waiter(self, me, &me->waiters);
	return r < 0 ? r : 0;
}

/* The caller of one stream reads again. */
static int on_room(struct troupe_self *self, struct slow *me, struct troupe_address where,
		   struct troupe_call call)
{
	struct waiter **place = &me->waiters;

	(void)where;
	while (*place && (*place)->call.id != call.id)
		place = &(*place)->next;
	if (*place && (*place)->kind == KIND_BURST && burst(self, *place) != 0)
		remove_waiter(self, me, place);
	return 0;
}

static int on_never(struct troupe_self *self, struct slow *me, struct slow_never_call call,
		    const struct slow_never *in)
{
	(void)in;
	return wait_with(self, me, &(struct waiter){.kind = KIND_NEVER, .call = call.call}, 0,
			 false);
}

static int on_drop(struct troupe_self *self, struct slow *me, struct slow_drop_call call,
		   const struct slow_drop *in)
{
	(void)me;
	(void)in;
	int r = slow_drop_keep(self, &call);
	return r < 0 ? r : slow_drop_drop(self, call);
}

static int on_forget(struct troupe_self *self, struct slow *me, struct slow_forget_call call,
		     const struct slow_forget *in)
{
	(void)self;
	(void)me;
	(void)call;
	(void)in;
	return 0;
}

static int on_fail(struct troupe_self *self, struct slow *me, struct slow_fail_call call,
		   const struct slow_fail *in)
{
	(void)me;
	if (in->code >= 0 || in->code < -4095)
		return slow_fail_fail_parameter(self, call, "code", "must be -4095 to -1");
	return (int)in->code;
}

static int on_block(struct troupe_self *self, struct slow *me, struct slow_block_call call,
		    const struct slow_block *in)
{
	struct timespec left = {in->ms / 1000, in->ms % 1000 * 1000000};

	(void)me;
	if (in->ms < 0)
		return slow_block_fail_parameter(self, call, "ms", "must not be negative");
	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
	return slow_block_return(self, call, &(struct slow_block_out){0});
}

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 * TROUPE_MS_NS + (uint64_t)now.tv_nsec;
}

static int on_burn(struct troupe_self *self, struct slow *me, struct slow_burn_call call,
		   const struct slow_burn *in)
{
	uint64_t until_ns = clock_ns() + (uint64_t)in->ms * TROUPE_MS_NS;

	(void)me;
	if (in->ms < 0)
		return slow_burn_fail_parameter(self, call, "ms", "must not be negative");
	while (clock_ns() < until_ns)
		;
	return slow_burn_return(self, call, &(struct slow_burn_out){0});
}

/* Whoever looks where this was called from reads what is not there. */
static __attribute__((noinline)) void mislead(uint64_t rounds)
{
#if defined(__x86_64__)
	__asm__ volatile(".cfi_remember_state\n\t"
			 ".cfi_def_cfa %%rbx, 16\n\t"
			 "mov $8, %%ebx\n"
			 "1:\tdec %%rcx\n\t"
			 "jnz 1b\n\t"
			 ".cfi_restore_state"
			 : "+c"(rounds)
			 :
			 : "rbx", "cc");
#else
	while (rounds > 0)
		__asm__ volatile("" : "+r"(rounds) : : "memory"), rounds--;
#endif
}

static int on_mislead(struct troupe_self *self, struct slow *me, struct slow_mislead_call call,
		      const struct slow_mislead *in)
{
	uint64_t until_ns = clock_ns() + (uint64_t)in->ms * TROUPE_MS_NS;

	(void)me;
	if (in->ms < 0)
		return slow_mislead_fail_parameter(self, call, "ms", "must not be negative");
	while (clock_ns() < until_ns)
		mislead(10000000);
	return slow_mislead_return(self, call, &(struct slow_mislead_out){0});
}

static int on_much(struct troupe_self *self, struct slow *me, struct slow_much_call call,
		   const struct slow_much *in)
{
	(void)me;
	if (in->bytes < 0 || in->bytes > 1 << 28)
		return slow_much_fail_parameter(self, call, "bytes", "out of range");
	char *text = malloc((size_t)in->bytes + 1);
	if (!text)
		return -ENOMEM;
	memset(text, 'x', (size_t)in->bytes);
	text[in->bytes] = '\0';
	int r = slow_much_return(self, call, &(struct slow_much_out){.text = text});
	free(text);
	return r;
}

static int on_quit(struct troupe_self *self, struct slow *me, struct slow_quit_call call,
		   const struct slow_quit *in)
{
	(void)me;
	if (in->code > 0 || in->code < -4095)
		return slow_quit_fail_parameter(self, call, "code", "must be -4095 to 0");
	int r = slow_quit_return(self, call, &(struct slow_quit_out){0});
	troupe_exit(self, (int)in->code);
	return r;
}

static int on_kept(struct troupe_self *self, struct slow *me, struct slow_kept_call call,
		   const struct slow_kept *in)
{
	(void)in;
	return slow_kept_return(
		self, call,
		&(struct slow_kept_out){.kept = me->n_waiters, .cancelled = me->n_cancelled});
}

static int on_cancel(struct troupe_self *self, struct slow *me, struct troupe_call call)
{
	me->n_cancelled++;
	for (struct waiter **place = &me->waiters; *place; place = &(*place)->next) {
		if ((*place)->call.id != call.id)
			continue;
		remove_waiter(self, me, place);
		break;
	}
	return 0;
}

static void end(struct troupe_self *self, struct slow *me, enum troupe_cause cause)
{
	(void)cause;
	while (me->waiters)
		remove_waiter(self, me, &me->waiters);
}

SLOW_HANDLERS(slowness, struct slow, .answer = on_answer, .stream = on_stream,
	      .burst = on_burst, .never = on_never, .drop = on_drop, .forget = on_forget,
	      .fail = on_fail, .block = on_block, .burn = on_burn, .mislead = on_mislead,
	      .much = on_much, .quit = on_quit, .kept = on_kept)
TROUPE_LIFE(slow_life, struct slow, void, .fini = end, .on_room = on_room,
	    .on_cancel = on_cancel)

TROUPE_ACTOR(slow) = {
	TROUPE_ABI(slow),
	.description = "Answers late, or in ways that no good actor would.",
	.state_size = sizeof(struct slow),
	.life = &slow_life,
	.interfaces = {&slowness},
	.entries = {&on_due_entry},
};
