/* verb_status.c - the daemon in a few lines; its workers. */
#include "base/cleanup.h"
#include "ctl/show.h"
#include "ctl/terminal.h"
#include "ctl/verbs.h"

static int show_status(struct ctl *ctl, const void *out)
{
	static const enum table_colour colours[] = {
		[API_STATUS_OUT_STATE_STARTING] = TABLE_WARN,
		[API_STATUS_OUT_STATE_RUNNING] = TABLE_GOOD,
		[API_STATUS_OUT_STATE_DEGRADED] = TABLE_BAD,
		[API_STATUS_OUT_STATE_STOPPING] = TABLE_WARN,
	};
	const struct api_status_out *status = out;
	char uptime[32];

	terminal_print_ms(status->uptimeMs, uptime, sizeof(uptime));
	show_coloured(ctl, colours[status->state],
		      api_status_out_state_type.names[status->state]);
	show_print(ctl, ": trouped %s, pid %lld, up %s\n", status->version,
		   (long long)status->pid, uptime);
	show_print(ctl, "    Socket: %s, %lld connection%s\n", ctl->socket,
		   (long long)status->connections, terminal_plural(status->connections));
	show_print(ctl, "   Workers: %lld of %lld running, %lld restart%s so far\n",
		   (long long)status->workersRunning, (long long)status->workers,
		   (long long)status->restarts, terminal_plural(status->restarts));
	for (size_t i = 0; i < status->stalls.count; i++) {
		show_print(ctl, "            worker %lld is stalled: ",
			   (long long)status->stalls.items[i].worker);
		show_stall(ctl, "", &status->stalls.items[i], "\n");
	}
	show_print(ctl, "     Units: %lld, %lld failed\n", (long long)status->units,
		   (long long)status->unitsFailed);
	show_print(ctl, "    Actors: %lld\n", (long long)status->actors);
	show_print(ctl, "  Messages: %lld, %lld dead letter%s\n", (long long)status->messages,
		   (long long)status->deadLetters, terminal_plural(status->deadLetters));
	if (status->lostMemory && *status->lostMemory) {
		char lost[32];

		terminal_print_bytes(*status->lostMemory, lost, sizeof(lost));
		show_print(ctl, "      Lost: %s, of tasks that did not end within TaskGrace=\n",
			   lost);
	}
	if (status->problems.count + status->warnings.count > 0)
		show_print(ctl, "\nProblems in the configuration:\n");
	show_problems(ctl, &status->problems, "");
	show_problems(ctl, &status->warnings, "warning: ");
	return STATUS_OK;
}

int verb_status(struct ctl *ctl, char **arguments, int n)
{
	return ctl_show_each(ctl, &api_status_method, arguments, n, show_status);
}

static bool has_lost(const struct api_worker *worker)
{
	return worker->lostMemory && *worker->lostMemory;
}

/* What it has set aside for tasks that did not end. */
static void show_lost(struct ctl *ctl, const struct api_worker *worker)
{
	/* Their number is as old as the last Ping. */
	int64_t tasks = worker->abandonedTasks ? *worker->abandonedTasks : 0;
	char lost[32], count[32] = "";

	terminal_print_bytes(*worker->lostMemory, lost, sizeof(lost));
	if (tasks)
		snprintf(count, sizeof(count), "%lld ", (long long)tasks);
	show_print(ctl, "  lost: %s, of %stask%s that did not end within TaskGrace=\n", lost,
		   count, terminal_plural(tasks));
}

static int show_workers(struct ctl *ctl, const void *out)
{
	const struct api_worker_array *workers =
		&((const struct api_workers_out *)out)->workers;
	struct table table = {.headers = {">WORKER", "STATE", ">PID", ">ACTORS", ">MESSAGES",
					  ">DEAD LETTERS", ">MEMORY", ">CPU", ">HANDLERS",
					  ">LOOP", ">RESTARTS", "STACK GUARD"}};

	for (size_t i = 0; i < workers->count; i++) {
		const struct api_worker *worker = &workers->items[i];
		char pid[32], memory[32] = "-", cpu[32] = "-", times[64];

		if (worker->memory)
			terminal_print_bytes(*worker->memory, memory, sizeof(memory));
		if (worker->cpuMs)
			terminal_print_ms(*worker->cpuMs, cpu, sizeof(cpu));
		table_add(&table, TABLE_PLAIN, "%lld", (long long)worker->worker);
		table_add(&table, show_state_colour(worker->state), "%s",
			  show_state(worker->state));
		table_add(&table, TABLE_PLAIN, "%s", show_int(worker->pid, pid, sizeof(pid)));
		table_add(&table, TABLE_PLAIN, "%lld", (long long)worker->actors);
		table_add(&table, TABLE_PLAIN, "%lld", (long long)worker->messages);
		table_add(&table, TABLE_PLAIN, "%lld", (long long)worker->deadLetters);
		table_add(&table, TABLE_PLAIN, "%s", memory);
		table_add(&table, TABLE_PLAIN, "%s", cpu);
		show_worst(worker->handlerTimes, times, sizeof(times));
		table_add(&table, TABLE_PLAIN, "%s", times);
		show_worst(worker->loopTimes, times, sizeof(times));
		table_add(&table, TABLE_PLAIN, "%s", times);
		table_add(&table, worker->restarts ? TABLE_WARN : TABLE_PLAIN, "%lld",
			  (long long)worker->restarts);
		table_add(&table, TABLE_FAINT, "%s",
			  worker->stackGuard ? worker->stackGuard : "-");
	}
	show_table(ctl, &table);
	table_fini(&table);
	for (size_t i = 0; i < workers->count; i++) {
		const struct api_worker *worker = &workers->items[i];

		if (worker->stall || worker->lastCrash || has_lost(worker))
			show_print(ctl, "\nworker %lld\n", (long long)worker->worker);
		if (has_lost(worker))
			show_lost(ctl, worker);
		show_stall(ctl, "  stalled: ", worker->stall, "\n");
		if (worker->lastCrash)
			show_crash(ctl, worker->lastCrash, 2);
	}
	return STATUS_OK;
}

int verb_workers(struct ctl *ctl, char **arguments, int n)
{
	return ctl_show_each(ctl, &api_workers_method, arguments, n, show_workers);
}
