/* What an actor may ask and do in a handler: its names, time, timers and children, its own end,
 * as <troupe/actor.h> says. */
#include "core/activation.h"
#include "core/failure.h"
#include "core/family.h"
#include "core/life.h"
#include "core/page.h"
#include "core/pause.h"
#include "core/slice.h"
#include "core/timer.h"
#include "proto/address.h"
#include "proto/idl.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <troupe/text.h>

#define DEPTH_MAX 16   /* inits inside inits */
#define LOG_TEXT  2000 /* bytes of a line, as promised */

struct troupe_address troupe_address(const struct troupe_self *self)
{
	if (self_is_away(self))
		return (struct troupe_address){0};
	return actor_address(self->runtime, self->actor);
}

uint64_t troupe_now_ns(struct troupe_self *self)
{
	return self_is_away(self) ? 0 : slice_now_ns(self->runtime);
}

uint64_t troupe_random(struct troupe_self *self)
{
	return self_is_away(self) ? 0 : random_next(&self->runtime->random);
}

struct troupe_address troupe_sender(const struct troupe_self *self)
{
	struct troupe_address from = self->activation.message ? self->activation.message->from
							      : self->activation.sender;

	/* a client has a number in its place, and no address */
	return from.worker ? from : (struct troupe_address){0};
}

const char *troupe_name(const struct troupe_self *self)
{
	return self->actor->unit->name;
}

const char *troupe_state_directory(const struct troupe_self *self)
{
	return self->actor->unit->share->state_directory;
}

uint32_t troupe_instance(const struct troupe_self *self)
{
	return self_is_away(self) ? 0 : actor_instance(self->actor);
}

int troupe_find(struct troupe_self *self, const char *name, struct troupe_address *ret_address)
{
	struct troupe_address address;
	int rc;

	if (!name || !name[0] || self_is_away(self) ||
	    strnlen(name, TROUPE_NAME_MAX + 1) > TROUPE_NAME_MAX)
		return -EINVAL;
	rc = self->runtime->ops->find_name(self->runtime->context, name, &address);
	if (rc < 0)
		return rc;
	*ret_address = address;
	return 0;
}

int troupe_find_provider(struct troupe_self *self, const char *interface,
			 struct troupe_address *ret_address)
{
	struct troupe_address address;
	int rc;

	if (!interface || self_is_away(self) ||
	    !idl_is_interface_name(interface, strnlen(interface, IDL_NAME_MAX + 1)))
		return -EINVAL;
	rc = self->runtime->ops->find_provider(self->runtime->context, interface, &address);
	if (rc < 0)
		return rc;
	*ret_address = address;
	return 0;
}

void troupe_address_print(struct troupe_address address, char *text)
{
	address_print(address, text);
}

int troupe_address_parse(const char *text, struct troupe_address *ret_address)
{
	return text ? address_parse(text, ret_address) : -EINVAL;
}

int troupe_timer_start(struct troupe_self *self, const struct troupe_entry *entry,
		       uint64_t delay_ns, uint64_t period_ns, uint64_t context,
		       struct troupe_timer *ret_timer)
{
	int index = type_entry_index(self->actor->unit->type, entry, TROUPE_ENTRY_TIMER);
	struct timer *timer;

	if (index < 0 || !self_can_receive(self))
		return -EINVAL;
	timer = timer_new(self->runtime, self->actor, (uint8_t)index, delay_ns, period_ns,
			  context);
	if (!timer)
		return -ENOMEM;
	if (ret_timer)
		ret_timer->id = slots_id(timer);
	return 0;
}

/* NULL: it is not one of this actor's that run. */
static struct timer *find_timer(const struct troupe_self *self, struct troupe_timer handle)
{
	struct timer *timer = slots_find_id(&self->runtime->timers, handle.id);

	return timer && timer->actor == actor_slot(self->runtime, self->actor) ? timer : NULL;
}

int troupe_timer_move(struct troupe_self *self, struct troupe_timer handle, uint64_t delay_ns)
{
	struct timer *timer = find_timer(self, handle);

	if (!timer)
		return -ESRCH;
	timer_move(self->runtime, timer, delay_ns);
	return 0;
}

int troupe_timer_stop(struct troupe_self *self, struct troupe_timer handle)
{
	struct timer *timer = find_timer(self, handle);

	if (!timer)
		return -ESRCH;
	timer_stop(self->runtime, timer);
	return 0;
}

static inline __attribute__((always_inline)) int spawn(struct troupe_self *self,
						       const struct troupe_actor *table,
						       const void *config, uint32_t flags,
						       struct troupe_address *ret_address)
{
	struct actor *parent = flags & TROUPE_DETACHED ? NULL : self->actor;
	struct runtime *runtime = self->runtime;
	struct definition *unit;
	int rc;

	if (!self_can_receive(self) || (flags & ~TROUPE_DETACHED))
		return -EINVAL;
	if (runtime->depth >= DEPTH_MAX)
		return -EAGAIN;
	rc = definition_of_spawned(runtime, table, self->actor->unit, &unit);
	if (rc < 0)
		return rc;
	activation_suspend(self);
	definition_enter(unit); /* so that a new one is freed if the spawn fails */
	/* Whose fault it is, if it crashes, is its ancestor's. */
	rc = life_begin(runtime, unit, parent, actor_instance(self->actor), config,
			ret_address);
	definition_leave(runtime, unit);
	activation_resume(self);
	return unlikely(rc < 0) && table->config
		       ? failure_of_value(self, table->config, config, rc)
		       : rc;
}

static int stop(struct troupe_self *self, struct troupe_address address)
{
	struct runtime *runtime = self->runtime;
	struct actor *child = actor_find(runtime, address);

	if (!child)
		return is_own(runtime, address) ? -ESRCH : -EPERM;
	/* No child of this actor is at a handler: inits run inside their parents' handlers, and
	 * only this one runs now. */
	if (family_parent(runtime, child) != self->actor)
		return -EPERM;
	activation_suspend(self);
	life_end(runtime, child, TROUPE_CAUSE_SHUTDOWN, 0);
	activation_resume(self);
	return unlikely(actor_find(runtime, address) != NULL) ? -EINPROGRESS : 0;
}

/* Other actors' functions may need more of a stack than a task has. */
struct errand {
	struct troupe_self *self;
	const struct troupe_actor *table; /* NULL: `address` is to be stopped */
	const void *config;
	struct troupe_address *address;
	uint32_t flags;
	int rc;
};

static void run_errand(void *arg)
{
	struct errand *errand = arg;

	errand->rc = errand->table ? spawn(errand->self, errand->table, errand->config,
					   errand->flags, errand->address)
				   : stop(errand->self, *errand->address);
}

COLD static int do_outside(struct errand errand)
{
	pause_outside(errand.self, run_errand, &errand);
	return errand.rc;
}

int troupe_spawn(struct troupe_self *self, const struct troupe_actor *table, const void *config,
		 uint32_t flags, struct troupe_address *ret_address)
{
	if (unlikely(self->task && table))
		return do_outside((struct errand){self, table, config, ret_address, flags, 0});
	return spawn(self, table, config, flags, ret_address);
}

int troupe_stop(struct troupe_self *self, struct troupe_address address)
{
	if (unlikely(self->task != NULL))
		return do_outside((struct errand){self, NULL, NULL, &address, 0, 0});
	return stop(self, address);
}

void troupe_exit(struct troupe_self *self, int error)
{
	if (!self_is_away(self))
		activation_exit(self, error);
}

void troupe_log(struct troupe_self *self, int priority, const char *format, ...)
{
	char text[LOG_TEXT + 1];
	va_list arguments;

	if (self_is_away(self))
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	unit_log(self->runtime, self->actor->unit, priority, text);
}
