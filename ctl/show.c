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

/* ---- how long things took */

static void print_ns(int64_t ns, char *text, size_t size)
{
	static const struct {
		int64_t ns;
		const char *name;
	} units[] = {{1000000000, "s"}, {1000000, "ms"}, {1000, "us"}};
	size_t i = 0;

	while (i < 2 && ns < units[i].ns)
		i++;
	snprintf(text, size, "%.*f%s", ns < 10 * units[i].ns ? 1 : 0,
		 (double)ns / (double)units[i].ns, units[i].name);
}

/* So many percent of them took no longer than that. */
static int64_t bound_of(const struct api_times *times, int percent)
{
	double wanted = (double)times->count * percent / 100, so_far = 0;
	int64_t bound = 1024;

	for (size_t i = 0; i + 1 < times->counts.count && bound < times->maxNs; i++) {
		so_far += (double)times->counts.items[i];
		if (so_far >= wanted)
			return bound;
		bound = bound > INT64_MAX / 2 ? INT64_MAX : 2 * bound;
	}
	return times->maxNs;
}

void show_worst(const struct api_times *times, char *text, size_t size)
{
	char most[32], longest[32];

	snprintf(text, size, "-");
	if (!times || times->count == 0)
		return;
	print_ns(bound_of(times, 99), most, sizeof(most));
	print_ns(times->maxNs, longest, sizeof(longest));
	snprintf(text, size, "%s/%s", most, longest);
}

static void show_handlers(struct ctl *ctl, const char *before, const struct api_times *times)
{
	char half[32], most[32], longest[32];

	if (!times || times->count == 0)
		return;
	print_ns(bound_of(times, 50), half, sizeof(half));
	print_ns(bound_of(times, 99), most, sizeof(most));
	print_ns(times->maxNs, longest, sizeof(longest));
	show_print(ctl, "%s%lld measured: half within %s, 99%% within %s, longest %s\n", before,
		   (long long)times->count, half, most, longest);
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
	show_handlers(ctl, "    Handlers: ", unit->handlerTimes);
	if (unit->slowHandlers)
		show_print(ctl, "        Slow: %lld handler%s; see troupectl blocked\n",
			   (long long)*unit->slowHandlers,
			   terminal_plural(*unit->slowHandlers));
	for (size_t i = 0; unit->sockets && i < unit->sockets->count; i++)
		show_print(ctl, "%s%s, %s\n", i == 0 ? "     Sockets: " : "              ",
			   unit->sockets->items[i].name, unit->sockets->items[i].place);
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

void show_times(struct ctl *ctl, const struct api_actor *actor)
{
	char name[TROUPE_ADDRESS_TEXT], before[sizeof(name) + 16];

	address_print(actor->address, name);
	snprintf(before, sizeof(before), "%s's handlers: ", name);
	show_handlers(ctl, before, actor->handlerTimes);
}

void show_owned(struct ctl *ctl, const struct api_actor *actor)
{
	const size_t n = actor->owns ? actor->owns->count : 0;
	char name[TROUPE_ADDRESS_TEXT], bytes[32];

	if (n == 0)
		return;
	address_print(actor->address, name);
	show_print(ctl, "%s has", name);
	for (size_t i = 0; i < n; i++) {
		const struct api_owned *owned = &actor->owns->items[i];

		show_print(ctl, "%s %lld %s%s", i > 0 ? "," : "", (long long)owned->count,
			   owned->kind, terminal_plural_of(owned->kind, owned->count));
		if (owned->bytes == 0)
			continue;
		terminal_print_bytes(owned->bytes, bytes, sizeof(bytes));
		show_print(ctl, " (%s)", bytes);
	}
	show_print(ctl, "\n");
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
