/* dead_letters.c - the first is told at once, the last of each period at its end. */
#include "worker/dead_letters.h"

#include "base/list.h"
#include "base/text.h"
#include <string.h>

static void on_period(struct loop_timer *timer)
{
	struct dead_letters *letters = container_of(timer, struct dead_letters, timer);

	if (letters->held == 0)
		return;
	dead_letters_flush(letters);
	loop_timer_start(timer, DEAD_LETTERS_PERIOD_NS);
}

void dead_letters_init(struct dead_letters *letters, struct loop *loop,
		       void (*tell)(void *context, const struct dead_letters_one *one,
				    int64_t more),
		       void *context)
{
	*letters = (struct dead_letters){.tell = tell, .context = context};
	loop_timer_init(&letters->timer, loop, on_period);
}

void dead_letters_fini(struct dead_letters *letters)
{
	dead_letters_flush(letters);
	loop_timer_stop(&letters->timer);
}

void dead_letters_flush(struct dead_letters *letters)
{
	if (letters->held == 0)
		return;
	letters->tell(letters->context, &letters->last, letters->held - 1);
	letters->held = 0;
}

/* Names of foreign methods come from other processes, and a cut may fall inside a character. */
static void copy_name(char *to, const char *name)
{
	size_t size = strnlen(name, DEAD_LETTERS_NAME - 1);

	while (size > 0 && !text_is_utf8(name, size))
		size--;
	memcpy(to, name, size);
	to[size] = '\0';
}

void dead_letters_add(struct dead_letters *letters, struct troupe_address to, const char *name,
		      const char *reason, int64_t n)
{
	letters->last.to = to;
	letters->last.reason = reason;
	copy_name(letters->last.name, name ? name : "");
	if (__builtin_add_overflow(letters->held, n, &letters->held))
		letters->held = INT64_MAX;
	if (letters->timer.started)
		return;
	dead_letters_flush(letters);
	loop_timer_start(&letters->timer, DEAD_LETTERS_PERIOD_NS);
}
