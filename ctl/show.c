/* show.c - single things, for people. */
#include "ctl/show.h"

#include "base/cleanup.h"
#include "ctl/terminal.h"
#include "proto/address.h"
#include <stdarg.h>
#include <time.h>

const char *show_state(enum api_state state)
{
	return api_state_type.names[state];
}

enum table_colour show_state_colour(enum api_state state)
{
	switch (state) {
	case API_STATE_RUNNING:
		return TABLE_GOOD;
	case API_STATE_STARTING:
	case API_STATE_BACKOFF:
	case API_STATE_STOPPING:
		return TABLE_WARN;
	case API_STATE_FAILED:
	case API_STATE_STALLED:
		return TABLE_BAD;
	case API_STATE_STOPPED:
	case API_STATE_ENDED:
		return TABLE_FAINT;
	}
	return TABLE_PLAIN;
}

void show_print(struct ctl *ctl, const char *format, ...)
{
	cleanup_free char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	text = terminal_vprint(format, arguments, 1);
	va_end(arguments);
	ctl->incomplete |= !text;
	fputs(text ? text : "", ctl->out);
}

void show_coloured(struct ctl *ctl, enum table_colour colour, const char *text)
{
	fputs(table_colour_begin(colour, ctl->colours), ctl->out);
	show_print(ctl, "%s", text);
	fputs(table_colour_end(ctl->colours), ctl->out);
}

void show_table(struct ctl *ctl, struct table *table)
{
	ctl->incomplete |= !table_print(table, ctl->out, ctl->colours);
}

void show_time(int64_t time_ms, char *text, size_t size)
{
	time_t seconds = (time_t)(time_ms / 1000);
	struct tm local;

	if (!localtime_r(&seconds, &local) || strftime(text, size, "%F %T", &local) == 0)
		snprintf(text, size, "?");
}

const char *show_int(const int64_t *value, char *text, size_t size)
{
	if (!value)
		return "-";
	snprintf(text, size, "%lld", (long long)*value);
	return text;
}

void show_running(const struct api_unit *unit, char *text, size_t size)
{
	size_t running = 0;

	for (size_t i = 0; i < unit->instances.count; i++)
		running += unit->instances.items[i].state == API_STATE_RUNNING ||
			   unit->instances.items[i].state == API_STATE_STALLED;
	snprintf(text, size, "%zu/%zu", running, unit->instances.count);
}

static void show_instances(struct ctl *ctl, const struct api_unit *unit)
{
	struct table table = {
		.headers = {">INSTANCE", "STATE", ">WORKER", "ADDRESS", ">OUTSTANDING"}};

	for (size_t i = 0; i < unit->instances.count; i++) {
		const struct api_instance *instance = &unit->instances.items[i];
		char address[TROUPE_ADDRESS_TEXT] = "-", worker[32];

		if (instance->address)
			address_print(*instance->address, address);
		table_add(&table, TABLE_PLAIN, "%lld", (long long)instance->instance);
		table_add(&table, show_state_colour(instance->state), "%s",
			  show_state(instance->state));
		table_add(&table, TABLE_PLAIN, "%s",
			  show_int(instance->worker, worker, sizeof(worker)));
		table_add(&table, TABLE_PLAIN, "%s", address);
		table_add(&table, TABLE_PLAIN, "%lld", (long long)instance->outstanding);
	}
	show_table(ctl, &table);
	table_fini(&table);
}

void show_unit(struct ctl *ctl, const struct api_unit *unit)
{
	show_coloured(ctl, show_state_colour(unit->state), unit->name);
	show_print(ctl, "%s%s\n", unit->description ? " - " : "",
		   unit->description ? unit->description : "");
	show_print(ctl, "       State: %s", show_state(unit->state));
	if (unit->reason)
		show_print(ctl, " (%s)", unit->reason);
	show_stall(ctl, " (", unit->stall, ")");
	show_print(ctl, "\n     Plug-in: %s, actor type %s\n", unit->plugin, unit->actorType);
	show_print(ctl, "        File: %s\n",
		   unit->file ? unit->file : "none: spawned by an operator");
	show_print(ctl, "    Restarts: %lld\n", (long long)unit->restarts);
	for (size_t i = 0; i < unit->interfaces.count; i++)
		show_print(ctl, "%s%s\n", i == 0 ? "  Interfaces: " : "              ",
			   unit->interfaces.items[i]);
	if (unit->instances.count > 0) {
		fputc('\n', ctl->out);
		show_instances(ctl, unit);
	}
}

void show_stall(struct ctl *ctl, const char *before, const struct api_stall *stall,
		const char *after)
{
	char span[32];

	if (!stall)
		return;
	show_print(ctl, "%s", before);
	terminal_print_ms(stall->forMs, span, sizeof(span));
	if (stall->message)
		show_print(ctl, "%s%s%s%s has been in %s for %s",
			   stall->actor ? stall->actor : "the host",
			   stall->child ? " (its child " : "", stall->child ? stall->child : "",
			   stall->child ? ")" : "", stall->message, span);
	else
		show_print(ctl, "it has not answered for %s", span);
	show_print(ctl, "%s", after);
}

void show_silent(struct ctl *ctl, const struct api_int_array *workers, const char *what)
{
	for (size_t i = 0; i < workers->count; i++)
		show_print(ctl, "worker %lld does not answer: %s\n",
			   (long long)workers->items[i], what);
}

void show_crash(struct ctl *ctl, const struct api_crash *crash, int indent)
{
	char when[32];

	show_time(crash->timeMs, when, sizeof(when));
	show_print(ctl, "%*slast died %s: %s", indent, "", when, crash->cause);
	if (crash->actor)
		show_print(ctl, " in %s", crash->actor);
	if (crash->child)
		show_print(ctl, " (its child %s)", crash->child);
	if (crash->message)
		show_print(ctl, ", handling %s", crash->message);
	if (crash->killed)
		show_print(ctl, ": %s", crash->killed);
	show_print(ctl, "\n");
	for (size_t i = 0; i < crash->backtrace.count; i++)
		show_print(ctl, "%*s  %s\n", indent, "", crash->backtrace.items[i]);
}

void show_problems(struct ctl *ctl, const struct api_problem_array *problems,
		   const char *before)
{
	for (size_t i = 0; i < problems->count; i++) {
		const struct api_problem *problem = &problems->items[i];

		if (problem->line > 0)
			show_print(ctl, "%s%s:%lld: %s\n", before, problem->file,
				   (long long)problem->line, problem->message);
		else
			show_print(ctl, "%s%s: %s\n", before, problem->file, problem->message);
	}
}
