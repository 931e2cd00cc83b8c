#include "core/failure.h"
#include "core/cold.h"
#include "core/page.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

COLD int failure_of_value(struct troupe_self *self, const struct troupe_type *type,
			  const void *value, int rc)
{
	struct runtime *runtime = self->runtime;
	struct breach *breach = &runtime->breach;
	size_t size;

	if (rc != -EINVAL)
		return rc;
	if (!value) {
		breach->error.path[0] = '\0';
		strcpy(breach->error.message, "a value, found NULL");
	} else if (codec_size(type, value, &size, &breach->error) == 0) {
		return rc; /* it was another fault */
	}
	breach->actor = actor_slot(runtime, self->actor);
	breach->sequence = page_load(&runtime->page->thread.sequence);
	return rc;
}

/* What was remembered in this very handler; NULL: nothing. */
static const struct codec_error *find_breach(const struct troupe_self *self)
{
	const struct runtime *runtime = self->runtime;
	const struct breach *breach = &runtime->breach;

	return breach->sequence == page_load(&runtime->page->thread.sequence) &&
			       breach->actor == actor_slot(runtime, self->actor)
		       ? &breach->error
		       : NULL;
}

const char *failure_print(const struct troupe_self *self, int rc,
			  char text[static FAILURE_DETAIL_MAX])
{
	const struct codec_error *error = rc == -EINVAL ? find_breach(self) : NULL;

	if (!error)
		return NULL;
	snprintf(text, FAILURE_DETAIL_MAX, "%s%s%s", error->path, error->path[0] ? ": " : "",
		 error->message);
	return text;
}

static void report(struct troupe_self *self, int rc)
{
	struct runtime *runtime = self->runtime;
	const struct actor *actor = self->actor;
	bool is_message =
		self->activation.outcome.call != SELF_NO_MESSAGE && self->activation.handler;
	const char *doing = page_doing_words(page_load(&runtime->page->thread.type_hash));
	char text[FAILURE_DETAIL_MAX];
	const char *detail = failure_print(self, rc, text);

	runtime->ops->on_failure(
		runtime->context,
		&(struct runtime_failure){
			.version = actor->unit->origin,
			.instance = actor_instance(actor),
			.is_child = actor->unit->number == 0,
			.actor = definition_kind(actor->unit),
			.method = is_message ? self->activation.handler->method : NULL,
			.doing = is_message || !doing ? "" : doing,
			.task = self->activation.task,
			.error = rc,
			.detail = detail ? detail : "",
		});
}

COLD void failure_take(struct troupe_self *self, int rc)
{
	if (failure_is_callers(self, rc))
		return;
	cold_get(self->runtime, self->actor)->failed++;
	if (self->runtime->ops->on_failure)
		report(self, rc);
	if (self->actor->unit->stop_on_error && !self->activation.outcome.exiting)
		activation_exit(self, rc);
}
