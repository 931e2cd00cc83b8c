#include "core/self.h"
#include "core/chain.h"
#include "core/failure.h"
#include "core/family.h"
#include "core/kept.h"
#include "core/mailbox.h"
#include "core/more.h"
#include "core/page.h"
#include "core/share.h"
#include "core/slice.h"
#include "core/timer.h"
#include "proto/codec.h"
#include <errno.h>
#include <string.h>

#define DEPTH_MAX 16 /* inits inside inits */

struct runtime *runtime_of(const struct troupe_self *self)
{
	return self->runtime;
}

struct troupe_address runtime_self_address(const struct troupe_self *self)
{
	return actor_address(self->runtime, self->actor);
}

uint64_t self_now_ns(struct troupe_self *self)
{
	return slice_now_ns(self->runtime);
}

uint64_t self_random(struct troupe_self *self)
{
	return random_next(&self->runtime->random);
}

struct troupe_address self_sender(const struct troupe_self *self)
{
	struct troupe_address from = self->message ? self->message->from : self->sender;

	/* a client has a number in its place, and no address */
	return from.worker ? from : (struct troupe_address){0};
}

const char *self_name(const struct troupe_self *self)
{
	return self->actor->unit->name;
}

const char *self_kind(const struct troupe_self *self)
{
	const struct unit *unit = self->actor->unit;

	return unit->name[0] ? unit->name : unit->type->table->name;
}

uint32_t self_instance(const struct troupe_self *self)
{
	return actor_instance(self->actor);
}

int self_find(struct troupe_self *self, const char *name, struct troupe_address *ret_address)
{
	struct troupe_address address;
	int rc;

	if (!name || !name[0] || strnlen(name, TROUPE_NAME_MAX + 1) > TROUPE_NAME_MAX)
		return -EINVAL;
	rc = self->runtime->ops->find_name(self->runtime->context, name, &address);
	if (rc < 0)
		return rc;
	*ret_address = address;
	return 0;
}

int self_keep(struct troupe_self *self, struct troupe_kept **ret_kept)
{
	struct runtime *runtime = self->runtime;
	struct troupe_kept *kept;
	struct more *more;
	uint32_t charge;

	if (self->fate.call == SELF_NO_MESSAGE)
		return -EINVAL;
	if (self->fate.kept || self->fate.moved)
		return -EALREADY;
	/* Bounds of their own: what is kept for long would otherwise lock the mailbox, also for
	 * the message that would release it. */
	more = more_get(runtime, self->actor);
	charge = message_charge(self->message);
	if (more->keeping.queued >= self->actor->unit->mailbox ||
	    more->keeping.charged + charge > self->actor->unit->mailbox_units)
		return -ENOBUFS;
	kept = share_take(&runtime->kept, self->actor->unit, SHARE_KEPT_MESSAGES);
	if (!kept)
		return -ENOMEM;
	kept->message = self->message;
	kept->owner = actor_slot(runtime, self->actor);
	chain_append(&more->messages, &kept->of_owner);
	load_add(&more->keeping, (struct load){1, charge});
	load_subtract(&self->actor->load, (struct load){0, charge});
	self->fate.kept = true;
	*ret_kept = kept;
	return 0;
}

const void *self_kept_in(const struct troupe_kept *kept)
{
	return kept ? message_block(kept->message) : NULL;
}

/* Whether a pointer that a plug-in hands back is one that it was given, and still its own. */
static bool is_kept(const struct troupe_self *self, const struct troupe_kept *kept)
{
	const struct slots *slots = &self->runtime->kept;
	uint64_t offset = (uint64_t)((uintptr_t)kept - (uintptr_t)slots->base);

	return offset < (uint64_t)slots->used * slots->size && offset % slots->size == 0 &&
	       !slots_is_closed(&kept->slot) &&
	       kept->owner == actor_slot(self->runtime, self->actor);
}

void self_release(struct troupe_self *self, struct troupe_kept *kept)
{
	struct message *message;

	if (!kept || !is_kept(self, kept))
		return;
	message = kept_message_take(self->runtime, kept);
	if (message == self->message && self->fate.kept) {
		/* the handler still reads it: it goes when the handler returns, as if never
		 * kept */
		load_add(&self->actor->load, (struct load){0, message_charge(message)});
		self->fate.kept = false;
		return;
	}
	message_free(&self->runtime->messages, message);
}

int self_timer_start(struct troupe_self *self, const struct troupe_entry *entry,
		     uint64_t delay_ns, uint64_t period_ns, uint64_t context,
		     struct troupe_timer *ret_timer)
{
	int index = type_entry_index(self->actor->unit->type, entry, TROUPE_ENTRY_TIMER);
	struct timer *timer;

	if (index < 0 || !self->may_wait)
		return -EINVAL;
	timer = timer_new(self->runtime, self->actor, (uint8_t)index, delay_ns, period_ns,
			  context);
	if (!timer)
		return -ENOMEM;
	if (ret_timer)
		ret_timer->id = slots_id(timer);
	return 0;
}

int self_timer_stop(struct troupe_self *self, struct troupe_timer handle)
{
	struct timer *timer = slots_find_id(&self->runtime->timers, handle.id);

	if (!timer || timer->actor != actor_slot(self->runtime, self->actor))
		return -ESRCH;
	timer_stop(self->runtime, timer);
	return 0;
}

/* What a handler is at before another's init or fini runs inside it. */
struct interlude {
	uint64_t doing, sequence;
};

static struct interlude begin_interlude(const struct runtime *runtime)
{
	return (struct interlude){page_load(&runtime->page->thread.type_hash),
				  page_load(&runtime->page->thread.sequence)};
}

/* The handler goes on, and the page is to say so. */
static inline void end_interlude(struct troupe_self *self, struct interlude interlude)
{
	page_enter(self->runtime, self->actor, interlude.doing);
	failure_go_on(self->runtime, interlude.sequence);
}

int self_spawn(struct troupe_self *self, const struct troupe_actor *table, const void *config,
	       uint32_t flags, struct troupe_address *ret_address)
{
	struct actor *parent = flags & TROUPE_DETACHED ? NULL : self->actor;
	struct runtime *runtime = self->runtime;
	struct unit *unit;
	struct interlude interlude;
	int rc;

	if (!self->may_wait || (flags & ~TROUPE_DETACHED))
		return -EINVAL;
	if (runtime->depth >= DEPTH_MAX)
		return -EAGAIN;
	rc = unit_of_spawned(runtime, table, self->actor->unit, &unit);
	if (rc < 0)
		return rc;
	interlude = begin_interlude(runtime);
	unit_enter(unit); /* so that one made in vain goes again */
	rc = actor_spawn(runtime, unit, parent, 0, config, ret_address);
	unit_leave(runtime, unit);
	end_interlude(self, interlude);
	return unlikely(rc < 0) && table->config
		       ? failure_of_value(self, table->config, config, rc)
		       : rc;
}

int self_stop(struct troupe_self *self, struct troupe_address address)
{
	struct runtime *runtime = self->runtime;
	struct actor *child = actor_find(runtime, address);
	struct interlude interlude;

	if (!child)
		return is_own(runtime, address) ? -ESRCH : -EPERM;
	/* No child of this actor is at a handler: inits run inside their parents' handlers, and
	 * only this one runs now. */
	if (family_parent(runtime, child) != self->actor)
		return -EPERM;
	interlude = begin_interlude(runtime);
	actor_end(runtime, child, TROUPE_REASON_SHUTDOWN, 0);
	end_interlude(self, interlude);
	return 0;
}

void self_exit(struct troupe_self *self, int error)
{
	self->fate.exiting = true;
	self->exit_error = error;
}

void self_log(struct troupe_self *self, int priority, const char *text)
{
	self->runtime->ops->on_log(self->runtime->context, self->actor->unit->origin, priority,
				   self_kind(self), text);
}
