/* tree.c - daemon, workers, and what lives in them. */
#include "ctl/tree.h"

#include "base/cleanup.h"
#include "ctl/show.h"
#include "ctl/terminal.h"
#include "ctl/verbs.h"

static void print_kinds(struct ctl *ctl, const struct census *census, int64_t worker,
			const char *indent)
{
	for (size_t i = 0; i < census->count; i++) {
		const struct census_kind *kind = &census->kinds[i];
		bool last = i + 1 == census->count || kind[1].worker != worker;

		if (kind->worker != worker)
			continue;
		show_print(ctl, "%s%s", indent, last ? "└─ " : "├─ ");
		if (kind->unit)
			show_print(ctl, "%s", kind->unit);
		if (kind->is_spawned)
			show_print(ctl, "%s(%s, spawned)", kind->unit ? " " : "",
				   kind->type ? kind->type : "?");
		if (kind->count != 1 || kind->is_spawned)
			show_print(ctl, ": %lld actor%s", (long long)kind->count,
				   terminal_plural(kind->count));
		show_print(ctl, "\n");
	}
}

static void print_worker(struct ctl *ctl, const struct api_worker *worker, bool last)
{
	char pid[32], memory[32];

	show_print(ctl, "%sworker %lld ", last ? "└─ " : "├─ ", (long long)worker->worker);
	show_coloured(ctl, show_state_colour(worker->state), show_state(worker->state));
	if (worker->pid)
		show_print(ctl, ", pid %s", show_int(worker->pid, pid, sizeof(pid)));
	if (worker->memory) {
		terminal_print_bytes(*worker->memory, memory, sizeof(memory));
		show_print(ctl, ", %s", memory);
	}
	show_print(ctl, ", %lld actor%s", (long long)worker->actors,
		   terminal_plural(worker->actors));
	if (worker->restarts > 0)
		show_print(ctl, ", %lld restart%s", (long long)worker->restarts,
			   terminal_plural(worker->restarts));
	show_stall(ctl, ": ", worker->stall, "");
	show_print(ctl, "\n");
}

int64_t tree_lives_in(const struct api_instance *instance)
{
	return instance->worker && instance->address ? *instance->worker : 0;
}

bool tree_is_missing(const struct api_unit *unit)
{
	if (unit->state != API_STATE_RUNNING && unit->state != API_STATE_STALLED)
		return true;
	for (size_t i = 0; i < unit->instances.count; i++)
		if (!tree_lives_in(&unit->instances.items[i]))
			return true;
	return false;
}

static void print_missing(struct ctl *ctl, const struct api_unit_array *units)
{
	for (size_t i = 0; i < units->count; i++) {
		const struct api_unit *unit = &units->items[i];
		char running[32];

		if (!tree_is_missing(unit))
			continue;
		show_running(unit, running, sizeof(running));
		show_print(ctl, "not running: %s (%s%s%s)", unit->name, show_state(unit->state),
			   unit->reason ? ": " : "", unit->reason ? unit->reason : "");
		if (unit->instances.count > 0)
			show_print(ctl, ", %s of its actors run", running);
		show_print(ctl, "\n");
	}
}

static void print_tree(struct ctl *ctl, const struct tree *tree)
{
	show_print(ctl, "trouped %s, pid %lld, %s\n", tree->status->version,
		   (long long)tree->status->pid,
		   api_status_out_state_type.names[tree->status->state]);
	for (size_t i = 0; i < tree->workers->count; i++) {
		const struct api_worker *worker = &tree->workers->items[i];
		bool last = i + 1 == tree->workers->count;

		print_worker(ctl, worker, last);
		print_kinds(ctl, &tree->census, worker->worker, last ? "   " : "│  ");
	}
	if (tree->census.more > 0)
		show_print(ctl, "and %lld actors of further kinds\n",
			   (long long)tree->census.more);
	print_missing(ctl, tree->units);
}

int verb_tree(struct ctl *ctl, char **arguments, int n)
{
	cleanup_free void *status = NULL, *workers = NULL, *list = NULL;
	struct tree tree = {0};
	int r;

	(void)arguments;
	(void)n;
	r = ctl_ask_value(ctl, &api_status_method, &(struct api_status){0}, &status);
	if (r == STATUS_OK)
		r = ctl_ask_value(ctl, &api_workers_method, &(struct api_workers){0}, &workers);
	if (r == STATUS_OK)
		r = ctl_ask_value(ctl, &api_list_method, &(struct api_list){0}, &list);
	if (r == STATUS_OK)
		r = census_take(ctl, &tree.census);
	if (r != STATUS_OK)
		return r;
	tree.status = status;
	tree.workers = &((const struct api_workers_out *)workers)->workers;
	tree.units = &((const struct api_list_out *)list)->units;
	if (option_is_given(&ctl->options, OPTION_JSON))
		r = tree_print_json(ctl, &tree);
	else
		print_tree(ctl, &tree);
	census_fini(&tree.census);
	return r;
}
