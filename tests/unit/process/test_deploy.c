/* test_deploy.c - copies of plug-ins: which are shared, which are kept, and what is refused. */
#include "process/deploy.h"

#include "base/cleanup.h"
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <cmocka.h>

struct shelf {
	struct list deployments;
	uint32_t last;
	char directory[64], build[512], why[DEPLOY_WHY_MAX];
};

static int set_up(void **state)
{
	struct shelf *shelf = calloc(1, sizeof(*shelf));
	ssize_t n;

	assert_non_null(shelf);
	list_init(&shelf->deployments);
	strcpy(shelf->directory, "/tmp/troupe-deploy-XXXXXX");
	assert_non_null(mkdtemp(shelf->directory));
	n = readlink("/proc/self/exe", shelf->build, sizeof(shelf->build) - 1);
	assert_in_range(n, 1, sizeof(shelf->build) - 2);
	*strstr(shelf->build, "/tests/unit/") = '\0';
	*state = shelf;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static int tear_down(void **state)
{
	struct shelf *shelf = *state;

	deploy_free_all(&shelf->deployments);
	assert_int_equal(nftw(shelf->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
	free(shelf);
	return 0;
}

/* The path of a file of ours; static memory. */
static const char *path_of(const struct shelf *shelf, const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", shelf->directory, name);
	return path;
}

/* A new file of that name, with the content of a plug-in of the build. */
static void put_plugin(const struct shelf *shelf, const char *name, const char *plugin)
{
	cleanup_close int from = -1, to = -1;
	char source[600];
	struct stat st;

	(void)snprintf(source, sizeof(source), "%s/%s", shelf->build, plugin);
	from = open(source, O_RDONLY | O_CLOEXEC);
	assert_true(from >= 0 && fstat(from, &st) == 0);
	(void)unlink(path_of(shelf, name));
	to = open(path_of(shelf, name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	assert_true(to >= 0);
	assert_int_equal(sendfile(to, from, NULL, (size_t)st.st_size), st.st_size);
}

static struct deployment *get(struct shelf *shelf, const char *name, bool allow_globals)
{
	struct deployment *deployment = NULL;

	if (deploy_get(&shelf->deployments, &shelf->last, path_of(shelf, name), allow_globals,
		       &deployment, shelf->why) < 0)
		fail_msg("%s", shelf->why);
	return deployment;
}

static void assert_refused(struct shelf *shelf, const char *name, int error, const char *piece)
{
	struct deployment *deployment = NULL;

	assert_int_equal(deploy_get(&shelf->deployments, &shelf->last, path_of(shelf, name),
				    false, &deployment, shelf->why),
			 error);
	if (!strstr(shelf->why, piece) || !strstr(shelf->why, path_of(shelf, name)))
		fail_msg("the reason was \"%s\"", shelf->why);
	assert_null(deployment);
	assert_true(list_is_empty(&shelf->deployments));
	assert_int_equal(shelf->last, 0);
}

static void deployment_is_shared_by_those_who_name_the_file(void **state)
{
	struct shelf *shelf = *state;
	struct deployment *first, *other;

	put_plugin(shelf, "a.so", "test-plugins/slow.so");
	first = get(shelf, "a.so", false);
	assert_ptr_equal(get(shelf, "a.so", false), first);
	assert_int_equal(first->users, 2);
	assert_string_equal(first->name, "a.so");
	assert_ptr_equal(deploy_find(&shelf->deployments, first->number), first);
	/* What may have globals is checked otherwise. */
	other = get(shelf, "a.so", true);
	assert_ptr_not_equal(other, first);
	assert_int_not_equal(other->number, first->number);
	assert_ptr_equal(get(shelf, "a.so", false), first);
}

static void deployment_of_a_file_that_changed_is_a_new_one(void **state)
{
	struct shelf *shelf = *state;
	struct deployment *used, *unused;
	uint32_t number;

	put_plugin(shelf, "a.so", "test-plugins/slow.so");
	used = get(shelf, "a.so", false);
	unused = get(shelf, "a.so", true);
	number = unused->number;
	deploy_put(unused);
	put_plugin(shelf, "a.so", "test-plugins/crash.so");
	assert_string_equal(get(shelf, "a.so", false)->info->actors[0].name, "crash");
	/* The old one is whole for those who have it. */
	assert_ptr_equal(deploy_find(&shelf->deployments, used->number), used);
	assert_string_equal(used->info->actors[0].name, "slow");
	assert_non_null(deploy_find(&shelf->deployments, number));
	/* Nobody will ask for the old one again. */
	(void)get(shelf, "a.so", true);
	assert_null(deploy_find(&shelf->deployments, number));
}

static void deployments_without_users_are_kept_some_of_them(void **state)
{
	struct shelf *shelf = *state;
	struct deployment *used;
	unsigned n = 0;
	char name[32];

	put_plugin(shelf, "a.so", "test-plugins/slow.so");
	used = get(shelf, "a.so", false);
	for (unsigned i = 0; i < DEPLOY_UNUSED_MAX + 4; i++) {
		(void)snprintf(name, sizeof(name), "%u.so", i);
		put_plugin(shelf, name, "test-plugins/slow.so");
		deploy_put(get(shelf, name, false));
	}
	list_each (struct deployment, deployment, &shelf->deployments, link)
		n += deployment->users == 0;
	assert_int_equal(n, DEPLOY_UNUSED_MAX + 1);
	/* The oldest have gone; one that is used never does. */
	assert_ptr_equal(deploy_find(&shelf->deployments, used->number), used);
	assert_null(deploy_find(&shelf->deployments, used->number + 3));
	assert_non_null(deploy_find(&shelf->deployments, used->number + 4));
	/* Who names its file again gets the same. */
	assert_int_equal(get(shelf, "3.so", false)->number, used->number + 4);
}

static void deployment_is_refused_with_the_reason(void **state)
{
	struct shelf *shelf = *state;
	const struct rlimit less = {100, RLIM_INFINITY};
	struct rlimit before;
	cleanup_close int file = -1;

	assert_refused(shelf, "none.so", -ENOENT, "No such file");
	put_plugin(shelf, "program.so", "troupectl");
	assert_refused(shelf, "program.so", -ENOEXEC, ": it is a program");
	file = open(path_of(shelf, "large.so"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(file >= 0);
	assert_int_equal(ftruncate(file, (off_t)PLUGIN_FILE_MAX + 1), 0);
	assert_refused(shelf, "large.so", -EFBIG,
		       ": 268435457 bytes; at most 268435456 are taken");
	/* The daemon may have a LimitFSIZE=. */
	put_plugin(shelf, "a.so", "test-plugins/slow.so");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &less), 0);
	assert_refused(shelf, "a.so", -EFBIG, ": cannot make a copy: File too large");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(get(shelf, "a.so", false)->number, 1);
}

static void type_is_chosen_by_name_when_there_are_several(void **state)
{
	struct shelf *shelf = *state;
	const struct deployment *one, *several;

	put_plugin(shelf, "one.so", "test-plugins/slow.so");
	put_plugin(shelf, "several.so", "test-plugins/flood.so");
	one = get(shelf, "one.so", false);
	several = get(shelf, "several.so", false);
	assert_string_equal(deploy_choose_type(one, NULL, shelf->why)->name, "slow");
	assert_string_equal(deploy_choose_type(several, "sink", shelf->why)->name, "sink");
	assert_null(deploy_choose_type(several, NULL, shelf->why));
	assert_non_null(strstr(shelf->why, "several.so has several actor types (flood, sink): "
					   "choose one with Type="));
	assert_null(deploy_choose_type(several, "flow", shelf->why));
	assert_non_null(
		strstr(shelf->why, "several.so has no actor type flow, but flood, sink"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(deployment_is_shared_by_those_who_name_the_file),
		TEST(deployment_of_a_file_that_changed_is_a_new_one),
		TEST(deployments_without_users_are_kept_some_of_them),
		TEST(deployment_is_refused_with_the_reason),
		TEST(type_is_chosen_by_name_when_there_are_several),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
