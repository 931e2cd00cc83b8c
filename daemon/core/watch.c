#include "core/watch.h"
#include "core/chain.h"
#include "core/cold.h"
#include "core/handler.h"
#include "core/mailbox.h"
#include "core/page.h"
#include "core/share.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <troupe/io.h>

#define WATCH_EVENTS (TROUPE_READABLE | TROUPE_WRITABLE)

_Static_assert(TROUPE_READABLE == LOOP_READ && TROUPE_WRITABLE == LOOP_WRITE,
	       "the plug-in's events are the loop's");

/* ------------------------------------------------------------------ the kernel's part */

/* Let it look for `events`, 0 for nothing. */
static int look_for(struct runtime *runtime, struct watch *watch, uint8_t events)
{
	struct poller *poller = &runtime->poller;
	uint64_t id = slots_id(watch);
	int rc;

	if (events == watch->added)
		return 0;
	if (!watch->added)
		rc = poller_add(poller, watch->fd, events, id);
	else if (events)
		rc = poller_set(poller, watch->fd, events, id);
	else
		rc = poller_remove(poller, watch->fd);
	if (rc == 0)
		watch->added = events;
	return rc;
}

static void give_up(struct runtime *runtime, struct watch *watch, int rc)
{
	const struct definition *unit = actor_at(runtime, watch->actor)->unit;
	char text[160];

	watch->is_bad = true;
	snprintf(text, sizeof(text),
		 "descriptor %d cannot be watched any more: %s; stop a watch before you close "
		 "its descriptor",
		 watch->fd, strerror(-rc));
	runtime->ops->on_log(runtime->context, unit->origin, 4, definition_kind(unit), text);
}

/* The number is closed, or names another file by now. The kernel may go on to look for the file
 * that it named, for which it has no name any more: all others are added anew. */
static void start_anew(struct runtime *runtime)
{
	int rc;

	if (poller_renew(&runtime->poller) < 0)
		return; /* it is found again, and this tried again */
	for (uint32_t i = 0; i < runtime->watches.used; i++) {
		struct watch *watch = slots_at(&runtime->watches, i);
		uint8_t added = watch->added;

		if (slots_is_closed(&watch->slot) || !added)
			continue;
		watch->added = 0;
		if (watch->is_bad)
			continue; /* its number may be another's by now */
		rc = look_for(runtime, watch, added);
		if (rc < 0)
			give_up(runtime, watch, rc);
	}
}

void watch_on_ready(struct poller *poller, uint64_t id, unsigned events)
{
	struct runtime *runtime = container_of(poller, struct runtime, poller);
	struct watch *watch = slots_find_id(&runtime->watches, id);
	int rc;

	if (!watch || watch->is_bad) {
		start_anew(runtime);
	} else if (!(watch->mail.flags & MAIL_QUEUED)) {
		watch->ready = (uint8_t)events;
		runtime_touch(runtime);
		mailbox_notify(runtime, actor_at(runtime, watch->actor), &watch->mail,
			       MAIL_READY);
	} else if ((rc = look_for(runtime, watch, 0)) < 0) { /* the actor does not keep up */
		watch->added = 0;
		give_up(runtime, watch, rc);
		start_anew(runtime);
	}
}

/* ------------------------------------------------------------------ lives */

static struct watch *find_by_fd(const struct runtime *runtime, int fd, uint64_t hash)
{
	struct watch *watch;

	index_foreach (watch, &runtime->watches_by_fd, hash, by_fd)
		if (watch->fd == fd)
			return watch;
	return NULL;
}

static void give(struct runtime *runtime, struct watch *watch)
{
	share_give(&runtime->watches, watch, actor_at(runtime, watch->actor)->unit,
		   SHARE_WATCHES);
	slots_give(&runtime->watches, watch);
}

static void stop(struct runtime *runtime, struct watch *watch)
{
	struct actor_cold *cold = cold_find(runtime, actor_at(runtime, watch->actor));

	/* when it was closed before, what may still come finds no watch */
	(void)look_for(runtime, watch, 0);
	index_remove(&runtime->watches_by_fd, &watch->by_fd);
	chain_remove(&cold->watches, &watch->of_actor);
	slots_close(&watch->slot);
	if (!(watch->mail.flags & MAIL_QUEUED))
		give(runtime, watch);
}

void watch_stop_all(struct runtime *runtime, struct actor *actor)
{
	struct actor_cold *cold = cold_find(runtime, actor);

	while (cold->watches)
		stop(runtime, container_of(cold->watches, struct watch, of_actor));
}

void watch_handle(struct troupe_self *self, struct watch *watch)
{
	const struct troupe_entry *entry = &self->actor->unit->type->entries[watch->mail.entry];
	struct troupe_watch_event event = {{sizeof(event), TROUPE_ENTRY_WATCH}, watch->fd, 0};
	struct runtime *runtime = self->runtime;
	uint64_t id;
	int rc;

	watch->mail.flags &= (uint8_t)~MAIL_QUEUED;
	if (slots_is_closed(&watch->slot)) {
		give(runtime, watch);
		return;
	}
	event.events = watch->is_bad ? 0 : watch->ready & watch->events;
	if (event.events) {
		id = slots_id(watch);
		take_result(self,
			    entry->on_event(self, self->actor->state, watch->context, &event));
		watch = slots_find_id(&runtime->watches, id);
	}
	if (!watch || watch->is_bad)
		return;
	rc = look_for(runtime, watch, watch->events);
	if (rc < 0)
		give_up(runtime, watch, rc);
}

void watch_drop(struct runtime *runtime, struct watch *watch)
{
	/* an actor's watches are stopped before its mailbox is drained */
	check(slots_is_closed(&watch->slot));
	give(runtime, watch);
}

/* ------------------------------------------------------------------ the SDK */

static struct watch *find_own(const struct troupe_self *self, struct troupe_watch handle)
{
	struct watch *watch = slots_find_id(&self->runtime->watches, handle.id);

	return watch && watch->actor == actor_slot(self->runtime, self->actor) ? watch : NULL;
}

int troupe_watch_start(struct troupe_self *self, int fd, uint32_t events,
		       const struct troupe_entry *entry, uint64_t context,
		       struct troupe_watch *ret_watch)
{
	int index = type_entry_index(self->actor->unit->type, entry, TROUPE_ENTRY_WATCH), rc;
	struct runtime *runtime = self->runtime;
	uint64_t hash = index_hash(runtime->secret, (uint32_t)fd, 0);
	struct watch *watch;

	if (index < 0 || (events & ~WATCH_EVENTS) || !self_can_receive(self))
		return -EINVAL;
	if (find_by_fd(runtime, fd, hash))
		return -EEXIST;
	watch = share_take(&runtime->watches, self->actor->unit, SHARE_WATCHES);
	if (!watch)
		return -ENOMEM;
	watch->mail.entry = (uint8_t)index;
	watch->context = context;
	watch->actor = actor_slot(runtime, self->actor);
	watch->fd = fd;
	watch->events = (uint8_t)events;
	/* also for nothing: what cannot be watched is refused now, not later */
	rc = look_for(runtime, watch, events ? (uint8_t)events : TROUPE_READABLE);
	if (rc == 0)
		rc = look_for(runtime, watch, (uint8_t)events);
	if (rc < 0) {
		give(runtime, watch);
		return rc;
	}
	index_put(&runtime->watches_by_fd, &watch->by_fd, hash);
	chain_append(&cold_get(runtime, self->actor)->watches, &watch->of_actor);
	ret_watch->id = slots_id(watch);
	return 0;
}

int troupe_watch_set(struct troupe_self *self, struct troupe_watch handle, uint32_t events)
{
	struct watch *watch = find_own(self, handle);
	int rc = 0;

	if (!watch)
		return -ESRCH;
	if (events & ~WATCH_EVENTS)
		return -EINVAL;
	if (watch->is_bad)
		return -EBADF;
	watch->events = (uint8_t)events;
	/* while an event is under way, the kernel looks for more only after its handler */
	if (!(watch->mail.flags & MAIL_QUEUED) || !events)
		rc = look_for(self->runtime, watch, (uint8_t)events);
	watch->is_bad = rc < 0;
	return rc == -ENOENT ? -EBADF : rc;
}

int troupe_watch_stop(struct troupe_self *self, struct troupe_watch handle)
{
	struct watch *watch = find_own(self, handle);

	if (!watch)
		return -ESRCH;
	stop(self->runtime, watch);
	return 0;
}
