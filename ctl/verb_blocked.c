/* verb_blocked.c - handlers that hold up their workers, or did. */
#include "base/cleanup.h"
#include "ctl/show.h"
#include "ctl/terminal.h"
#include "ctl/verbs.h"

static void print_handler(struct ctl *ctl, const struct api_slow_handler *handler)
{
	char when[32], span[32];

	show_time(handler->timeMs, when, sizeof(when));
	terminal_print_ms(handler->forMs, span, sizeof(span));
	show_coloured(ctl, handler->running ? TABLE_BAD : TABLE_PLAIN,
		      handler->running ? "running" : when);
	show_print(ctl, " worker %lld: %s%s%s%s %s in %s for %s\n", (long long)handler->worker,
		   handler->actor ? handler->actor : "the host",
		   handler->child ? " (its child " : "", handler->child ? handler->child : "",
		   handler->child ? ")" : "", handler->running ? "has been" : "was",
		   handler->message, span);
	for (size_t i = 0; i < handler->backtrace.count; i++)
		show_print(ctl, "    %s\n", handler->backtrace.items[i]);
}

static int show_handlers(struct ctl *ctl, const void *out)
{
	const struct api_blocked_out *blocked = out;
	const struct api_slow_handler_array *handlers = &blocked->handlers;

	for (size_t i = 0; i < handlers->count; i++)
		print_handler(ctl, &handlers->items[i]);
	if (blocked->missed > 0)
		show_print(ctl, "%lld more followed one another too quickly to be shown\n",
			   (long long)blocked->missed);
	if (handlers->count == 0)
		show_print(ctl, "no handler has taken longer than SlowHandler=\n");
	return STATUS_OK;
}

int verb_blocked(struct ctl *ctl, char **arguments, int n)
{
	return ctl_show_each(ctl, &api_blocked_method, arguments, n, show_handlers);
}
