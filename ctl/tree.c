/* tree.c - daemon, workers, and what lives in them. */
#include "base/cleanup.h"
#include "ctl/actors.h"
#include "ctl/show.h"
#include "ctl/text.h"
#include "ctl/verbs.h"
#include <string.h>

#define KINDS_MAX 4096

/* Actors of one worker that belong together: of a unit, or of one type and no unit. */
struct kind {
	int64_t worker;
	char *unit; /* NULL: spawned by other actors */
	char *type;
	int64_t count;
};

struct census {
	struct kind *kinds;
	size_t count, room;
	int64_t more; /* actors of kinds beyond KINDS_MAX */
};

static void census_fini(struct census *census)
{
	for (size_t i = 0; i < census->count; i++) {
		free(census->kinds[i].unit);
		free(census->kinds[i].type);
	}
	free(census->kinds);
}

static bool is_same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static struct kind *get_kind(struct census *census, const struct api_actor *actor)
{
	struct kind *kind;

	for (size_t i = census->count; i > 0; i--) {
		kind = &census->kinds[i - 1];
		if (kind->worker == actor->worker && is_same(kind->unit, actor->unit) &&
		    is_same(kind->type, actor->actorType))
			return kind;
	}
	if (census->count == KINDS_MAX)
		return NULL;
	if (census->count == census->room) {
		size_t room = census->room ? census->room * 2 : 64;

		kind = reallocarray(census->kinds, room, sizeof(*kind));
		if (!kind)
			return NULL;
		census->kinds = kind;
		census->room = room;
	}
	kind = &census->kinds[census->count++];
	*kind = (struct kind){.worker = actor->worker,
			      .unit = actor->unit ? strdup(actor->unit) : NULL,
			      .type = strdup(actor->actorType)};
	return kind;
}

static int count_batch(struct ctl *ctl, const struct api_actor_array *actors, void *context)
{
	struct census *census = context;

	(void)ctl;
	for (size_t i = 0; i < actors->count; i++) {
		struct kind *kind = get_kind(census, &actors->items[i]);

		if (kind)
			kind->count++;
		else
			census->more++;
	}
	return STATUS_OK;
}

static int compare_kinds(const void *a, const void *b)
{
	const struct kind *one = a, *other = b;
	int r;

	if (one->worker != other->worker)
		return one->worker < other->worker ? -1 : 1;
	/* Units first, by name; then the others, by type. */
	if (!one->unit != !other->unit)
		return one->unit ? -1 : 1;
	r = one->unit ? strcmp(one->unit, other->unit) : 0;
	return r ? r : strcmp(one->type ? one->type : "", other->type ? other->type : "");
}

static void print_kinds(struct ctl *ctl, const struct census *census, int64_t worker,
			const char *indent)
{
	for (size_t i = 0; i < census->count; i++) {
		const struct kind *kind = &census->kinds[i];
		bool last = i + 1 == census->count || kind[1].worker != worker;

		if (kind->worker != worker)
			continue;
		show_print(ctl, "%s%s", indent, last ? "└─ " : "├─ ");
		if (kind->unit)
			show_print(ctl, "%s", kind->unit);
		else
			show_print(ctl, "(%s, spawned)", kind->type ? kind->type : "?");
		if (kind->count != 1 || !kind->unit)
			show_print(ctl, ": %lld actors", (long long)kind->count);
		show_print(ctl, "\n");
	}
}

static void print_worker(struct ctl *ctl, const struct api_worker *worker, bool last)
{
	char pid[32], memory[32];

	show_print(ctl, "%sworker %lld ", last ? "└─ " : "├─ ", (long long)worker->worker);
	fprintf(ctl->out, "%s%s%s",
		table_colour_begin(show_state_colour(worker->state), ctl->colours),
		show_state(worker->state), table_colour_end(ctl->colours));
	if (worker->pid)
		show_print(ctl, ", pid %s", show_int(worker->pid, pid, sizeof(pid)));
	if (worker->memory) {
		text_print_bytes(*worker->memory, memory, sizeof(memory));
		show_print(ctl, ", %s", memory);
	}
	show_print(ctl, ", %lld actors", (long long)worker->actors);
	if (worker->restarts > 0)
		show_print(ctl, ", restarted %lld times", (long long)worker->restarts);
	show_print(ctl, "\n");
}

/* Units that should run and have not all of their actors running: they are in no worker's
 * list. */
static void print_missing(struct ctl *ctl, const struct api_unit_array *units)
{
	for (size_t i = 0; i < units->count; i++) {
		const struct api_unit *unit = &units->items[i];

		if (unit->state == API_STATE_RUNNING)
			continue;
		show_print(ctl, "not running: %s (%s%s%s)\n", unit->name,
			   show_state(unit->state), unit->reason ? ": " : "",
			   unit->reason ? unit->reason : "");
	}
}

int verb_tree(struct ctl *ctl, char **arguments, int n)
{
	cleanup_free void *status_reply = NULL, *workers_reply = NULL, *list_reply = NULL;
	cleanup(census_fini) struct census census = {0};
	const struct api_worker_array *workers;
	const struct api_status_out *status;
	int r;

	(void)arguments;
	(void)n;
	/* As JSON: the replies that the tree is made of, a line each. */
	r = ctl_ask_typed(ctl, &api_status_method, &(struct api_status){0}, &status_reply);
	if (r == STATUS_OK)
		r = ctl_ask_typed(ctl, &api_workers_method, &(struct api_workers){0},
				  &workers_reply);
	if (r == STATUS_OK)
		r = ctl_ask_typed(ctl, &api_list_method, &(struct api_list){0}, &list_reply);
	if (r != STATUS_OK)
		return r;
	if (!status_reply || !workers_reply || !list_reply)
		return verb_actors(ctl, NULL, 0);
	r = actors_for_each(ctl, NULL, count_batch, &census);
	if (r != STATUS_OK)
		return r;
	qsort(census.kinds, census.count, sizeof(*census.kinds), compare_kinds);
	status = status_reply;
	workers = &((const struct api_workers_out *)workers_reply)->workers;
	show_print(ctl, "trouped %s, pid %lld, %s\n", status->version, (long long)status->pid,
		   api_status_out_state_type.names[status->state]);
	for (size_t i = 0; i < workers->count; i++) {
		bool last = i + 1 == workers->count;

		print_worker(ctl, &workers->items[i], last);
		print_kinds(ctl, &census, workers->items[i].worker, last ? "   " : "│  ");
	}
	if (census.more > 0)
		show_print(ctl, "and %lld actors of further kinds\n", (long long)census.more);
	print_missing(ctl, &((const struct api_list_out *)list_reply)->units);
	return STATUS_OK;
}
