/* noisy.c - say much, send without looking, and fail in every way. */
#include "noisy.varlink.h"
#include <errno.h>
#include <time.h>
#include <troupe/actor.h>

struct noisy {
	int64_t taken;
	struct troupe_address child;
};

static int on_due(struct troupe_self *self, struct noisy *me, uint64_t context);
TROUPE_TIMER(on_due, struct noisy)

TROUPE_ACTOR_DECLARE(noisy_child);

static int find_child(struct troupe_self *self, struct noisy *me)
{
	return me->child.generation ? 0
				    : troupe_spawn(self, TROUPE_ACTOR_TABLE(noisy_child), NULL,
						   0, &me->child);
}

static void hold(int64_t ms)
{
	struct timespec left = {ms / 1000, ms % 1000 * 1000000};

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

static int on_say(struct troupe_self *self, struct noisy *me, struct noisy_say_call call,
		  const struct noisy_say *in)
{
	int r = 0;

	for (int64_t i = 0; i < in->lines; i++)
		troupe_log(self, 6, "%s %lld", in->text, (long long)i);
	if (in->childLines > 0)
		r = find_child(self, me);
	if (r == 0 && in->childLines > 0)
		r = noisy_say_send(
			self, me->child,
			&(struct noisy_say){.text = in->text, .lines = in->childLines});
	if (r < 0)
		return r;
	return noisy_say_return(self, call, &(struct noisy_say_out){0});
}

static int on_blast(struct troupe_self *self, struct noisy *me, struct noisy_blast_call call,
		    const struct noisy_blast *in)
{
	struct noisy_blast_out out = {0};
	struct troupe_address to;
	int r = troupe_find(self, in->to, &to);

	(void)me;
	for (int64_t i = 0; r == 0 && i < in->count; i++) {
		int sent =
			noisy_take_send(self, to, &(struct noisy_take){.holdMs = in->holdMs});

		out.sent += sent == 0;
		out.refused += sent == -EAGAIN;
		if (sent < 0 && sent != -EAGAIN)
			r = sent;
	}
	return r < 0 ? r : noisy_blast_return(self, call, &out);
}

static int on_take(struct troupe_self *self, struct noisy *me, struct noisy_take_call call,
		   const struct noisy_take *in)
{
	hold(in->holdMs);
	me->taken++;
	return noisy_take_return(self, call, &(struct noisy_take_out){0});
}

static int on_taken(struct troupe_self *self, struct noisy *me, struct noisy_taken_call call,
		    const struct noisy_taken *in)
{
	(void)in;
	return noisy_taken_return(self, call, &(struct noisy_taken_out){.count = me->taken});
}

static int on_block(struct troupe_self *self, struct noisy *me, struct noisy_block_call call,
		    const struct noisy_block *in)
{
	(void)me;
	hold(in->ms);
	return noisy_block_return(self, call, &(struct noisy_block_out){0});
}

static int on_fail(struct troupe_self *self, struct noisy *me, struct noisy_fail_call call,
		   const struct noisy_fail *in)
{
	(void)self;
	(void)me;
	(void)call;
	return (int)in->code;
}

static int on_fail_later(struct troupe_self *self, struct noisy *me,
			 struct noisy_fail_later_call call, const struct noisy_fail_later *in)
{
	int r = troupe_timer_start(self, &on_due_entry, TROUPE_MS_NS, 0, (uint64_t)in->code,
				   NULL);

	(void)me;
	return r < 0 ? r
		     : noisy_fail_later_return(self, call, &(struct noisy_fail_later_out){0});
}

static int on_due(struct troupe_self *self, struct noisy *me, uint64_t context)
{
	(void)self;
	(void)me;
	return (int)(int64_t)context;
}

static int on_mumble(struct troupe_self *self, struct noisy *me, struct noisy_mumble_call call,
		     const struct noisy_mumble *in)
{
	const char *lines[] = {"one", NULL, "three"};

	(void)me;
	return noisy_mumble_return(
		self, call,
		&(struct noisy_mumble_out){.name = in->name,
					   .lines = {.items = lines, .count = 3}});
}

static int on_missend(struct troupe_self *self, struct noisy *me,
		      struct noisy_missend_call call, const struct noisy_missend *in)
{
	(void)me;
	(void)call;
	(void)in;
	return noisy_say_send(self, troupe_address(self), &(struct noisy_say){.lines = 1});
}

static int on_end_child(struct troupe_self *self, struct noisy *me,
			struct noisy_end_child_call call, const struct noisy_end_child *in)
{
	int r = find_child(self, me);

	if (r == 0)
		r = noisy_quit_send(self, me->child, &(struct noisy_quit){.code = in->code});
	me->child = (struct troupe_address){0};
	return r < 0 ? r : noisy_end_child_return(self, call, &(struct noisy_end_child_out){0});
}

static int on_quit(struct troupe_self *self, struct noisy *me, struct noisy_quit_call call,
		   const struct noisy_quit *in)
{
	(void)me;
	troupe_exit(self, (int)in->code);
	return noisy_quit_return(self, call, &(struct noisy_quit_out){0});
}

NOISY_HANDLERS(noise, struct noisy, .say = on_say, .blast = on_blast, .take = on_take,
	       .taken = on_taken, .block = on_block, .fail = on_fail,
	       .fail_later = on_fail_later, .mumble = on_mumble, .missend = on_missend,
	       .end_child = on_end_child, .quit = on_quit)

TROUPE_ACTOR(noisy) = {
	TROUPE_ABI(noisy),
	.description = "Says much, sends without looking, and fails in every way.",
	.state_size = sizeof(struct noisy),
	.interfaces = {&noise},
	.entries = {&on_due_entry},
};

TROUPE_ACTOR(noisy_child) = {
	TROUPE_ABI(noisy_child),
	.description = "A child of a noisy actor.",
	.state_size = sizeof(struct noisy),
	.interfaces = {&noise},
	.entries = {&on_due_entry},
};
