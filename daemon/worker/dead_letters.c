/* dead_letters.c - the first is reported at once, the others at the end of each period. */
#include "worker/dead_letters.h"

#include "base/list.h"
#include "base/text.h"
#include <string.h>

static void on_period(struct loop_timer *timer)
{
	struct dead_letters *letters = container_of(timer, struct dead_letters, timer);

	if (letters->n_kinds == 0)
		return;
	dead_letters_flush(letters);
	loop_timer_start(timer, DEAD_LETTERS_PERIOD_NS);
}

void dead_letters_init(struct dead_letters *letters, struct loop *loop,
		       void (*report)(void *context, const struct worker_dead_letter *letter),
		       void *context)
{
	letters->n_kinds = 0;
	letters->others = 0;
	letters->report = report;
	letters->context = context;
	loop_timer_init(&letters->timer, loop, on_period);
}

void dead_letters_fini(struct dead_letters *letters)
{
	dead_letters_flush(letters);
	loop_timer_stop(&letters->timer);
}

void dead_letters_flush(struct dead_letters *letters)
{
	for (unsigned i = 0; i < letters->n_kinds; i++)
		letters->report(letters->context, &letters->kinds[i].letter);
	letters->n_kinds = 0;
	if (letters->others > 0)
		letters->report(letters->context,
				&(struct worker_dead_letter){.method = "",
							     .reason = "various",
							     .count = letters->others});
	letters->others = 0;
}

/* Names of foreign methods come from other processes, and a cut may fall inside a character. */
static void copy_name(char *to, const char *name)
{
	size_t size = strnlen(name, DEAD_LETTERS_METHOD - 1);

	memcpy(to, name, size);
	while (size > 0 && !text_is_utf8(to, size))
		size--;
	to[size] = '\0';
}

static void add_count(int64_t *count, int64_t n)
{
	if (__builtin_add_overflow(*count, n, count))
		*count = INT64_MAX;
}

static bool is_of_kind(const struct dead_letters_kind *kind,
		       const struct worker_dead_letter *letter, const char *method)
{
	return troupe_address_equal(kind->letter.from, letter->from) &&
	       troupe_address_equal(kind->letter.to, letter->to) &&
	       strcmp(kind->letter.reason, letter->reason) == 0 &&
	       strcmp(kind->method, method) == 0;
}

void dead_letters_add(struct dead_letters *letters, const struct worker_dead_letter *letter)
{
	struct dead_letters_kind *kind = letters->kinds;
	char method[DEAD_LETTERS_METHOD];

	copy_name(method, letter->method);
	for (; kind < letters->kinds + letters->n_kinds; kind++)
		if (is_of_kind(kind, letter, method)) {
			add_count(&kind->letter.count, letter->count);
			return;
		}
	if (letters->n_kinds == LIMIT_DEAD_LETTER_KINDS) {
		add_count(&letters->others, letter->count);
		return;
	}
	kind->letter = *letter;
	strcpy(kind->method, method);
	kind->letter.method = kind->method;
	letters->n_kinds++;
	if (letters->timer.started)
		return;
	dead_letters_flush(letters);
	loop_timer_start(&letters->timer, DEAD_LETTERS_PERIOD_NS);
}
