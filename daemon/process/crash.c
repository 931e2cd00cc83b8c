/* crash.c - a dead worker's page, read with distrust. */
#include "process/crash.h"

#include "base/clock.h"
#include "base/text.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>

static void print_cause(char *text, size_t size, const struct launch_end *end)
{
	const char *name;

	switch (end->cause) {
	case LAUNCH_EXITED:
		(void)snprintf(text, size, "exit %d", end->number);
		break;
	case LAUNCH_SIGNALED:
		name = sigabbrev_np(end->number);
		if (name)
			(void)snprintf(text, size, "SIG%s", name);
		else
			(void)snprintf(text, size, "signal %d", end->number);
		break;
	case LAUNCH_UNKNOWN:
		(void)snprintf(text, size, "unknown");
	}
}

bool crash_copy_frame(struct crash_frame *to, const struct page_frame *from)
{
	size_t size = strnlen(from->text, sizeof(from->text) - 1);

	*to = (struct crash_frame){.plugin = from->plugin, .address = from->address};
	memcpy(to->text, from->text, size);
	text_make_utf8(to->text);
	return size > 0;
}

/* Whether a signal is one that a fault raises, or that a program raises against itself. */
static bool is_own_fault(int number, int code)
{
	switch (number) {
	case SIGKILL:
	case SIGTERM:
	case SIGINT:
	case SIGHUP:
		return false;
	default:
		return code != SI_USER && code != SI_QUEUE;
	}
}

/* Whether the thread that faulted is the one that runs plug-in code. */
static bool is_plugin_thread(const struct page_crash *record)
{
	uint32_t expected =
		atomic_load_explicit(&record->thread.thread_id, memory_order_relaxed);

	return expected && record->thread_id == expected;
}

void crash_read(struct crash *crash, const struct page *page, const struct launch_end *known)
{
	const struct page_crash *record = page ? &page->crash : NULL;
	bool is_written =
		record && atomic_load_explicit(&record->written, memory_order_acquire) == 1;
	unsigned n_frames = is_written ? record->n_frames : 0;
	int code = is_written ? record->code : SI_USER;
	const struct launch_end *end = &crash->end;
	bool is_signal;

	*crash = (struct crash){.time_ms = (uint64_t)clock_unix_ms(), .end = *known};
	/* That of an exit has no signal. */
	if (is_written && known->cause == LAUNCH_UNKNOWN && record->signal > 0)
		crash->end = (struct launch_end){LAUNCH_SIGNALED, record->signal};
	print_cause(crash->cause, sizeof(crash->cause), end);
	is_signal = end->cause == LAUNCH_SIGNALED;
	/* Without a record, by the signal alone. */
	crash->was_sent =
		is_signal && !is_own_fault(end->number, is_written ? code : SI_KERNEL);
	if (!page)
		return;
	for (unsigned i = 0; i < n_frames && i < PAGE_FRAMES; i++)
		crash->n_frames +=
			crash_copy_frame(&crash->frames[crash->n_frames], &record->frames[i]);
	if (is_written && record->what[0]) {
		char what[PAGE_WHAT];

		memcpy(what, record->what, sizeof(what));
		what[sizeof(what) - 1] = '\0';
		crash_note_failure(crash, what);
	}
	/* A fault in another thread is no evidence against the handler that happened to run. */
	crash->in_handler =
		activity_read(is_written ? &record->thread : &page->thread, &crash->activity) &&
		(!is_written || is_plugin_thread(record));
	if (!crash->in_handler)
		crash->activity = (struct activity){0};
	else
		crash->is_blamed = end->cause == LAUNCH_EXITED ||
				   (is_signal && is_own_fault(end->number, code));
}

void crash_note_oom(struct crash *crash)
{
	crash->is_oom = true;
	(void)snprintf(crash->cause, sizeof(crash->cause), "SIGKILL, memory ran out,");
}

void crash_note_killed(struct crash *crash, const char *why, bool is_explained)
{
	(void)snprintf(crash->cause, sizeof(crash->cause), "killed");
	crash->killed = why;
	crash->is_explained = is_explained;
}

void crash_note_failure(struct crash *crash, const char *text)
{
	(void)snprintf(crash->failure, sizeof(crash->failure), "%s", text);
	text_make_utf8(crash->failure);
}

void crash_print(const struct crash *crash, char *text, size_t size)
{
	bool is_message = !page_doing_words(crash->activity.type_hash);
	const char *why = crash->killed ? crash->killed : crash->failure;
	const char *colon = why[0] ? ": " : "";

	if (!crash->names.actor[0] && !crash->names.message[0])
		(void)snprintf(text, size, "%s, not in a handler%s%s", crash->cause, colon,
			       why);
	else
		(void)snprintf(text, size, "%s in %s%s%s%s%s%s%s%s%s", crash->cause,
			       crash->names.actor[0] ? crash->names.actor : "the host",
			       crash->names.child[0] ? " (its child " : "", crash->names.child,
			       crash->names.child[0] ? ")" : "",
			       is_message ? " while handling " : ", in ", crash->names.message,
			       crash->is_blamed || crash->is_explained ? ""
								       : " (not its fault)",
			       colon, why);
}
