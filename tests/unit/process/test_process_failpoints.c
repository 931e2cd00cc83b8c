/* test_process_failpoints.c - each allocation and each descriptor of process/ fails once:
 * directories, plug-ins, launches. */
#include "base/cleanup.h"
#include "base/loop.h"
#include "process/deploy.h"
#include "process/launcher.h"
#include "process/oom.h"
#include "process/page_map.h"
#include "process/place.h"
#include "tests/failpoints/failpoint.h"
#include "tests/failpoints/sweep.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	char root[64], runtime[96], state[96], program[96], plugin[96];
};

static int set_up(void **state)
{
	static struct fixture f;
	char self[512], command[2048];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	*state = &f;
	strcpy(f.root, "/tmp/troupe-failing-XXXXXX");
	if (n < 0 || !mkdtemp(f.root))
		return -1;
	self[n] = '\0';
	*strstr(self, "/tests/unit/") = '\0';
	snprintf(f.runtime, sizeof(f.runtime), "%s/run", f.root);
	snprintf(f.state, sizeof(f.state), "%s/state/a", f.root);
	snprintf(f.program, sizeof(f.program), "%s/program", f.root);
	snprintf(f.plugin, sizeof(f.plugin), "%s/hello.so", f.root);
	snprintf(command, sizeof(command),
		 "cp %s/plugins/hello.so %s && printf '#!/bin/sh\nexit 7\n' > %s && chmod 755 "
		 "%s",
		 self, f.plugin, f.program, f.program);
	return system(command);
}

static int tear_down(void **state)
{
	const struct fixture *f = *state;
	char command[256];

	snprintf(command, sizeof(command), "rm -rf %s", f->root);
	return system(command);
}

/* ---- directories and pages */

static int make_places(void *data)
{
	const struct fixture *f = data;
	char *directory = NULL, *program = NULL;
	struct page *page = NULL;
	struct oom oom;
	int lock = -1, fd = -1, r = place_make_directory(f->runtime, &directory, &lock);

	if (r < 0)
		return r;
	assert_true(place_is_there(directory, lock));
	r = place_make_state(f->state);
	if (r == 0)
		r = place_find_program("troupe-worker", &program);
	if (r == -ENOENT) /* there is none beside a test */
		r = 0;
	if (r == 0)
		r = page_map((struct process){0, 1, 1}, &page, &fd);
	if (r == 0)
		close(fd);
	page_unmap(page);
	/* Without a counter nothing is recognised. */
	oom_init(&oom, "/proc/self/cgroup", "/sys/fs/cgroup");
	(void)oom_has_killed(&oom);
	oom_fini(&oom);
	if (r == 0) {
		assert_int_equal(rmdir(directory), 0);
		r = place_restore_directory(directory, &lock);
		/* It is there, or can be made. */
		if (r < 0)
			(void)mkdir(directory, 0700);
	}
	sweep_calm();
	free(program);
	place_remove_directory(directory, lock);
	if (lock >= 0)
		close(lock);
	(void)rmdir(directory);
	free(directory);
	return r;
}

/* ---- plug-ins */

static int deploy(void *data)
{
	const struct fixture *f = data;
	struct list deployments;
	struct deployment *one, *again;
	char why[DEPLOY_WHY_MAX] = "";
	uint32_t last = 0;
	int r;

	list_init(&deployments);
	r = deploy_get(&deployments, &last, f->plugin, false, &one, why);
	if (r < 0) {
		assert_string_not_equal(why, "");
		assert_true(list_is_empty(&deployments));
	} else {
		assert_string_equal(one->info->actors[0].name, "hello");
		assert_true(one->n_messages > 0);
		r = deploy_get(&deployments, &last, f->plugin, false, &again, why);
		if (r == 0) {
			assert_ptr_equal(again, one);
			deploy_put(again);
		}
		deploy_put(one);
	}
	sweep_calm();
	assert_int_equal(deploy_get(&deployments, &last, f->plugin, false, &one, why), 0);
	deploy_put(one);
	deploy_free_all(&deployments);
	return r;
}

/* ---- launches */

struct launched {
	int channel, error;
	unsigned n_launched, n_failed, n_ended;
};

static void on_launched(void *context, pid_t pid, int channel)
{
	struct launched *launched = context;

	(void)pid;
	launched->n_launched++;
	launched->channel = channel;
}

static void on_failed(void *context, int error)
{
	struct launched *launched = context;

	launched->n_failed++;
	launched->error = error;
}

static void on_end(void *context, const struct launch_end *end)
{
	struct launched *launched = context;

	assert_true(end->cause == LAUNCH_EXITED || end->cause == LAUNCH_UNKNOWN);
	launched->n_ended++;
}

static const struct launch_events events = {on_launched, on_failed, on_end};

static int launch(void *data)
{
	const struct fixture *f = data;
	struct launched launched = {.channel = -1};
	const struct launch request = {
		.process = {0, 1, 1}, .events = &events, .context = &launched};
	struct launcher launcher = {0};
	struct launch *one = NULL;
	struct loop *loop;
	int r;

	sweep_calm();
	assert_int_equal(loop_new(&loop), 0);
	sweep_go_on();
	r = launcher_fork_new(loop, f->program, &launcher);
	if (r == 0)
		r = launcher_launch(&launcher, &request, &one);
	for (unsigned i = 0; r == 0 && i < 20000 && launched.n_failed + launched.n_ended == 0;
	     i++) {
		loop_step(loop, false);
		(void)poll(NULL, 0, 1);
	}
	if (r == 0)
		assert_int_equal(launched.n_failed + launched.n_ended, 1);
	if (r == 0 && launched.n_failed)
		r = launched.error;
	launcher_release(&launcher, &one);
	launcher_free(&launcher);
	loop_free(loop);
	if (launched.channel >= 0)
		close(launched.channel);
	return r;
}

static void each_is_made_whole_or_not_at_all(void **state)
{
	sweep(make_places, *state);
	sweep(deploy, *state);
	sweep(launch, *state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_is_made_whole_or_not_at_all, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
