#include "core/inlet.h"
#include "base/handoff.h"
#include "core/chain.h"
#include "core/cold.h"
#include "core/handler.h"
#include "core/mailbox.h"
#include "core/mapping.h"
#include "core/page.h"
#include "core/share.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <troupe/inlet.h>

struct inlet_hub {
	bool is_here; /* not in a forked process */
	_Atomic uint32_t references;
	struct handoff ready;    /* struct troupe_inlet, which holds a reference for it */
	struct loop_wake wake;   /* when there are such */
	struct runtime *runtime; /* for the loop's thread */
	pthread_t thread;        /* that one */
};

/* The data follow. */
struct post {
	struct mail mail; /* MAIL_POST; size: of the data */
	struct handoff_link link;
	struct inlet *inlet; /* once it is in the mailbox, or handled */
};

_Static_assert(sizeof(struct post) % 16 == 0, "the data are aligned");

/* What an inlet holds: both halves in one word, so that both bounds are met at once. */
#define LOAD_POST  (1ull << 40)
#define LOAD_BYTES (LOAD_POST - 1)

struct troupe_inlet {
	_Atomic uint32_t references; /* the plug-in's, the record's, the hub's */
	uint32_t capacity;           /* posts */
	uint64_t bytes;              /* at most */
	struct inlet_hub *hub;       /* holds a reference */
	uint64_t record;             /* id of the struct inlet */
	struct handoff posts;
	struct handoff_link ready; /* in the hub's */
	struct post last;          /* stands for the plug-in's release */
	_Atomic uint64_t load;
	_Atomic bool is_wanted; /* a thread waits for `room` */
	pthread_mutex_t mutex;  /* of `room`, taken only then */
	pthread_cond_t room;
};

/* ------------------------------------------------------------------ both sides */

static void hub_unref(struct inlet_hub *hub)
{
	if (atomic_fetch_sub(&hub->references, 1) > 1)
		return;
	loop_wake_fini(&hub->wake);
	mapping_release(hub, sizeof(*hub));
}

static void unref(struct troupe_inlet *shared)
{
	if (atomic_fetch_sub(&shared->references, 1) > 1)
		return;
	hub_unref(shared->hub);
	pthread_cond_destroy(&shared->room);
	pthread_mutex_destroy(&shared->mutex);
	free(shared);
}

static struct post *post_of(struct handoff_link *link)
{
	return container_of(link, struct post, link);
}

static void free_post(struct troupe_inlet *shared, struct post *post)
{
	if (post != &shared->last)
		free(post);
}

/* ------------------------------------------------------------------ threads */

/* False: it is full. */
static bool reserve(struct troupe_inlet *shared, size_t size)
{
	uint64_t load = atomic_load(&shared->load);

	do {
		if (load / LOAD_POST >= shared->capacity ||
		    (load & LOAD_BYTES) + size > shared->bytes)
			return false;
	} while (!atomic_compare_exchange_weak(&shared->load, &load, load + LOAD_POST + size));
	return true;
}

/* Who waits sets is_wanted before it looks for room the last time, so that one of the two sees
 * the other. */
static void wake_waiting(struct troupe_inlet *shared)
{
	if (!atomic_load(&shared->is_wanted))
		return;
	pthread_mutex_lock(&shared->mutex);
	atomic_store(&shared->is_wanted, false);
	pthread_cond_broadcast(&shared->room);
	pthread_mutex_unlock(&shared->mutex);
}

static void give_room(struct troupe_inlet *shared, size_t size)
{
	uint64_t load = atomic_fetch_sub(&shared->load, LOAD_POST + size) - LOAD_POST - size;

	/* not for each place: once there is some room */
	if (load / LOAD_POST <= shared->capacity / 2 &&
	    (load & LOAD_BYTES) <= shared->bytes / 2)
		wake_waiting(shared);
}

static int push(struct troupe_inlet *shared, struct post *post)
{
	struct inlet_hub *hub = shared->hub;
	int r = handoff_push(&shared->posts, &post->link);

	if (r <= 0)
		return r;
	/* the first one: it is for us to have the others taken along */
	atomic_fetch_add(&shared->references, 1);
	r = handoff_push(&hub->ready, &shared->ready);
	if (r < 0)
		unref(shared); /* the runtime is gone, or about to go: it takes nothing more */
	else if (r > 0)
		loop_wake_send(&hub->wake);
	return 0;
}

/* Room for it has been reserved. */
static int post_reserved(struct troupe_inlet *shared, const void *data, size_t size)
{
	struct post *post = malloc(sizeof(*post) + size);
	int r = -ENOMEM;

	if (post) {
		post->mail = (struct mail){.size = (uint32_t)size};
		if (size > 0)
			memcpy(post + 1, data, size);
		r = push(shared, post);
	}
	if (r < 0) {
		free(post);
		give_room(shared, size);
	}
	return r;
}

static int check_post(const struct troupe_inlet *shared, size_t size)
{
	if (!shared->hub->is_here)
		return -EPIPE;
	return size > shared->bytes || size > LIMIT_MESSAGE_BYTES ? -EMSGSIZE : 0;
}

/* -EAGAIN when it is full, and -EPIPE rather than that. */
static int refuse(struct troupe_inlet *shared)
{
	return handoff_is_closed(&shared->posts) ? -EPIPE : -EAGAIN;
}

int troupe_post(struct troupe_inlet *shared, const void *data, size_t size)
{
	int r = check_post(shared, size);

	if (r < 0)
		return r;
	return reserve(shared, size) ? post_reserved(shared, data, size) : refuse(shared);
}

static struct timespec deadline_after(uint64_t timeout_ns)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += (time_t)(timeout_ns / 1000000000);
	at.tv_nsec += (long)(timeout_ns % 1000000000);
	if (at.tv_nsec >= 1000000000) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000;
	}
	return at;
}

/* 0: it has been reserved. */
static int wait_for_room(struct troupe_inlet *shared, size_t size, uint64_t timeout_ns)
{
	struct timespec at = deadline_after(timeout_ns);
	bool is_late = false;
	int r;

	pthread_mutex_lock(&shared->mutex);
	for (;;) {
		atomic_store(&shared->is_wanted, true);
		r = reserve(shared, size) ? 0 : refuse(shared);
		if (r != -EAGAIN || is_late)
			break;
		is_late =
			(timeout_ns ? pthread_cond_timedwait(&shared->room, &shared->mutex, &at)
				    : pthread_cond_wait(&shared->room, &shared->mutex)) ==
			ETIMEDOUT;
	}
	pthread_mutex_unlock(&shared->mutex);
	return r == -EAGAIN ? -ETIMEDOUT : r;
}

int troupe_post_wait(struct troupe_inlet *shared, const void *data, size_t size,
		     uint64_t timeout_ns)
{
	int r = troupe_post(shared, data, size);

	if (r != -EAGAIN)
		return r;
	if (pthread_equal(pthread_self(), shared->hub->thread))
		return -EDEADLK;
	r = wait_for_room(shared, size, timeout_ns);
	return r < 0 ? r : post_reserved(shared, data, size);
}

void troupe_inlet_release(struct troupe_inlet *shared)
{
	if (!shared || !shared->hub->is_here)
		return;
	(void)push(shared, &shared->last);
	unref(shared);
}

/* ------------------------------------------------------------------ the loop */

static uint32_t charge_of(const struct post *post)
{
	return (uint32_t)((sizeof(*post) + post->mail.size + 15) / 16);
}

static void arrive(struct runtime *runtime, struct troupe_inlet *shared)
{
	struct inlet *inlet = slots_find_id(&runtime->inlets, shared->record);
	struct handoff_link *link = handoff_take(&shared->posts); /* none, where it is closed */

	while (link) {
		struct actor *actor = actor_at(runtime, inlet->actor);
		struct post *post = post_of(link);

		link = link->next;
		post->inlet = inlet;
		post->mail.entry = inlet->entry;
		load_add(&actor->load, (struct load){0, charge_of(post)});
		mailbox_notify(runtime, actor, &post->mail, MAIL_POST);
	}
}

static void on_wake(struct loop_wake *wake)
{
	struct inlet_hub *hub = container_of(wake, struct inlet_hub, wake);
	struct handoff_link *link = handoff_take(&hub->ready);

	runtime_touch(hub->runtime);
	while (link) {
		struct troupe_inlet *shared = container_of(link, struct troupe_inlet, ready);

		link = link->next; /* it may be pushed again at once */
		arrive(hub->runtime, shared);
		unref(shared);
	}
}

/* It is out of the mailbox. */
static void finish(struct actor *actor, struct post *post)
{
	struct troupe_inlet *shared = post->inlet->shared;

	load_subtract(&actor->load, (struct load){0, charge_of(post)});
	if (post != &shared->last)
		give_room(shared, post->mail.size);
	free_post(shared, post);
}

static void free_inlet(struct runtime *runtime, struct actor *actor, struct inlet *inlet)
{
	chain_remove(&cold_find(runtime, actor)->inlets, &inlet->of_actor);
	share_give(&runtime->inlets, inlet, actor->unit, SHARE_INLETS);
	unref(inlet->shared);
	slots_give(&runtime->inlets, inlet);
}

void inlet_handle(struct troupe_self *self, struct mail *mail)
{
	struct post *post = container_of(mail, struct post, mail);
	const struct troupe_entry *entry = &self->actor->unit->type->entries[mail->entry];
	struct inlet *inlet = post->inlet;
	struct troupe_post_event event = {{sizeof(event), TROUPE_ENTRY_POST},
					  mail->size,
					  0,
					  mail->size > 0 ? post + 1 : NULL};

	if (post == &inlet->shared->last) { /* nothing comes after it */
		finish(self->actor, post);
		free_inlet(self->runtime, self->actor, inlet);
		return;
	}
	take_result(self, entry->on_event(self, self->actor->state, inlet->context, &event));
	finish(self->actor, post);
}

void inlet_drop(struct runtime *runtime, struct actor *actor, struct mail *mail)
{
	(void)runtime;
	finish(actor, container_of(mail, struct post, mail));
}

static void close_inlet(struct troupe_inlet *shared)
{
	struct handoff_link *link = handoff_close(&shared->posts);

	while (link) {
		struct post *post = post_of(link);

		link = link->next;
		free_post(shared, post);
	}
	wake_waiting(shared);
}

void inlet_close_all(struct runtime *runtime, struct actor *actor)
{
	const struct actor_cold *cold = cold_find(runtime, actor);

	chain_foreach (at, cold->inlets)
		close_inlet(container_of(at, struct inlet, of_actor)->shared);
}

void inlet_free_all(struct runtime *runtime, struct actor *actor)
{
	const struct actor_cold *cold = cold_find(runtime, actor);

	while (cold->inlets) {
		struct inlet *inlet = container_of(cold->inlets, struct inlet, of_actor);

		close_inlet(inlet->shared); /* where init failed, no fini was called */
		free_inlet(runtime, actor, inlet);
	}
}

/* ------------------------------------------------------------------ opening */

static int make_hub(struct runtime *runtime)
{
	struct inlet_hub *hub;
	int r;

	if (runtime->inlet_hub)
		return 0;
	hub = mapping_reserve(sizeof(*hub));
	if (!hub)
		return -ENOMEM;
	r = loop_wake_init(&hub->wake, runtime->loop, on_wake);
	if (r < 0) {
		mapping_release(hub, sizeof(*hub));
		return r;
	}
	/* without it, what a forked process posts stays in its own memory */
	(void)madvise(hub, sizeof(*hub), MADV_WIPEONFORK);
	hub->is_here = true;
	hub->references = 1;
	hub->runtime = runtime;
	hub->thread = pthread_self();
	runtime->inlet_hub = hub;
	return 0;
}

void inlets_free(struct runtime *runtime)
{
	struct inlet_hub *hub = runtime->inlet_hub;
	struct handoff_link *link;

	if (!hub)
		return;
	loop_wake_stop(&hub->wake);
	link = handoff_close(&hub->ready);
	while (link) {
		struct troupe_inlet *shared = container_of(link, struct troupe_inlet, ready);

		link = link->next;
		unref(shared);
	}
	hub_unref(hub);
}

static struct troupe_inlet *new_shared(struct inlet_hub *hub, const struct definition *unit,
				       uint32_t capacity)
{
	struct troupe_inlet *shared = calloc(1, sizeof(*shared));
	pthread_condattr_t attributes;

	if (!shared)
		return NULL;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&shared->room, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&shared->mutex, NULL);
	shared->references = 2;
	shared->capacity = capacity ? capacity : unit->mailbox;
	shared->bytes = (uint64_t)unit->mailbox_most * 16;
	shared->hub = hub;
	atomic_fetch_add(&hub->references, 1);
	return shared;
}

int troupe_inlet_open(struct troupe_self *self, const struct troupe_entry *entry,
		      uint64_t context, uint32_t capacity, struct troupe_inlet **ret_inlet)
{
	int index = type_entry_index(self->actor->unit->type, entry, TROUPE_ENTRY_POST), r;
	const struct definition *unit = self->actor->unit;
	struct runtime *runtime = self->runtime;
	struct inlet *inlet;

	if (index < 0 || capacity > TROUPE_INLET_POSTS_MAX || !self_can_receive(self))
		return -EINVAL;
	r = make_hub(runtime);
	if (r < 0)
		return r;
	inlet = share_take(&runtime->inlets, unit, SHARE_INLETS);
	if (!inlet)
		return -ENOMEM;
	inlet->shared = new_shared(runtime->inlet_hub, unit, capacity);
	if (!inlet->shared) {
		share_give(&runtime->inlets, inlet, unit, SHARE_INLETS);
		slots_give(&runtime->inlets, inlet);
		return -ENOMEM;
	}
	inlet->shared->record = slots_id(inlet);
	inlet->context = context;
	inlet->actor = actor_slot(runtime, self->actor);
	inlet->entry = (uint8_t)index;
	chain_append(&cold_get(runtime, self->actor)->inlets, &inlet->of_actor);
	*ret_inlet = inlet->shared;
	return 0;
}
