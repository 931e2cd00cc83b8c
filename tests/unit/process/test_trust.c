/* test_trust.c - which files may be run as code. */
#include "process/trust.h"

#include "base/cleanup.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

/* A directory that belongs to us, below a sticky one, with a file "p.so" in "sub". */
struct place {
	char directory[64], sub[80], file[96], link[96];
};

static int make_place(void **state)
{
	struct place *place = calloc(1, sizeof(*place));
	int fd;

	strcpy(place->directory, "/tmp/troupe-trust-XXXXXX");
	assert_non_null(mkdtemp(place->directory));
	(void)snprintf(place->sub, sizeof(place->sub), "%s/sub", place->directory);
	(void)snprintf(place->file, sizeof(place->file), "%s/p.so", place->sub);
	(void)snprintf(place->link, sizeof(place->link), "%s/link", place->directory);
	assert_int_equal(mkdir(place->sub, 0755), 0);
	fd = open(place->file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
	assert_int_equal(chmod(place->file, 0644), 0);
	assert_int_equal(chmod(place->sub, 0755), 0);
	*state = place;
	return 0;
}

static int remove_place(void **state)
{
	struct place *place = *state;

	(void)unlink(place->link);
	(void)unlink(place->file);
	(void)rmdir(place->sub);
	(void)rmdir(place->directory);
	free(place);
	return 0;
}

static int try_open(const char *path, uid_t owner, char *why)
{
	int fd, r = trust_open(path, owner, &fd, why);

	if (r == 0)
		close(fd);
	return r;
}

static void trust_opens_a_file_when_all_is_ours(void **state)
{
	const struct place *place = *state;
	char why[TRUST_WHY_MAX] = "", path[128];

	assert_int_equal(try_open(place->file, geteuid(), why), 0);
	(void)snprintf(path, sizeof(path), "//tmp/./%s/sub//p.so",
		       strrchr(place->directory, '/') + 1);
	assert_int_equal(try_open(path, geteuid(), why), 0);
}

static void trust_refuses_when_the_file_may_be_written_by_others(void **state)
{
	const struct place *place = *state;
	char why[TRUST_WHY_MAX] = "";

	assert_int_equal(chmod(place->file, 0646), 0);
	assert_int_equal(try_open(place->file, geteuid(), why), -EPERM);
	assert_non_null(strstr(why, "p.so may be written by others"));
	assert_non_null(strstr(why, "0646"));
	assert_int_equal(chmod(place->file, 0664), 0);
	assert_int_equal(try_open(place->file, geteuid(), why), -EPERM);
	/* What a sticky bit is for a directory it is not for a file. */
	assert_int_equal(chmod(place->file, 01664), 0);
	assert_int_equal(try_open(place->file, geteuid(), why), -EPERM);
}

static void trust_refuses_when_a_directory_above_may_be_written_by_others(void **state)
{
	const struct place *place = *state;
	char why[TRUST_WHY_MAX] = "";

	assert_int_equal(chmod(place->directory, 0777), 0);
	assert_int_equal(try_open(place->file, geteuid(), why), -EPERM);
	assert_non_null(strstr(why, place->directory));
	/* Sticky: what is in it stays its owner's. */
	assert_int_equal(chmod(place->directory, 01777), 0);
	assert_int_equal(try_open(place->file, geteuid(), why), 0);
}

static void trust_refuses_when_something_belongs_to_another_user(void **state)
{
	const struct place *place = *state;
	char why[TRUST_WHY_MAX] = "";

	if (geteuid() != 0) {
		/* All of it is ours, and somebody else asks. */
		assert_int_equal(try_open(place->file, geteuid() + 1, why), -EPERM);
		return;
	}
	assert_int_equal(chown(place->file, 65534, (gid_t)-1), 0);
	assert_int_equal(try_open(place->file, 0, why), -EPERM);
	assert_non_null(strstr(why, "belongs to user 65534"));
	assert_int_equal(try_open(place->file, 65534, why), 0);
	assert_int_equal(chown(place->sub, 65533, (gid_t)-1), 0);
	assert_int_equal(try_open(place->file, 65534, why), -EPERM);
	assert_non_null(strstr(why, "directory"));
}

static void trust_refuses_when_a_part_of_the_path_is_a_symbolic_link(void **state)
{
	const struct place *place = *state;
	char why[TRUST_WHY_MAX] = "", path[128];

	assert_int_equal(symlink(place->file, place->link), 0);
	assert_int_equal(try_open(place->link, geteuid(), why), -ELOOP);
	assert_non_null(strstr(why, "symbolic link"));
	assert_int_equal(unlink(place->link), 0);
	assert_int_equal(symlink(place->sub, place->link), 0);
	(void)snprintf(path, sizeof(path), "%s/p.so", place->link);
	assert_int_equal(try_open(path, geteuid(), why), -ELOOP);
	assert_non_null(strstr(why, "symbolic link"));
}

static void trust_refuses_when_the_path_is_not_a_plain_one(void **state)
{
	const struct place *place = *state;
	char why[TRUST_WHY_MAX] = "", path[256];

	assert_int_equal(try_open("p.so", geteuid(), why), -EINVAL);
	assert_int_equal(try_open("", geteuid(), why), -EINVAL);
	assert_int_equal(try_open("/", geteuid(), why), -EINVAL);
	(void)snprintf(path, sizeof(path), "%s/../sub/p.so", place->sub);
	assert_int_equal(try_open(path, geteuid(), why), -EINVAL);
}

static void trust_refuses_when_it_is_not_a_regular_file(void **state)
{
	const struct place *place = *state;
	char why[TRUST_WHY_MAX] = "";

	assert_int_equal(try_open(place->sub, geteuid(), why), -EINVAL);
	assert_non_null(strstr(why, "not a regular file"));
	assert_int_equal(unlink(place->file), 0);
	assert_int_equal(mkfifo(place->file, 0600), 0);
	assert_int_equal(try_open(place->file, geteuid(), why), -EINVAL);
	assert_int_equal(unlink(place->file), 0);
	assert_int_equal(try_open(place->file, geteuid(), why), -ENOENT);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_place, remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(trust_opens_a_file_when_all_is_ours),
		TEST(trust_refuses_when_the_file_may_be_written_by_others),
		TEST(trust_refuses_when_a_directory_above_may_be_written_by_others),
		TEST(trust_refuses_when_something_belongs_to_another_user),
		TEST(trust_refuses_when_a_part_of_the_path_is_a_symbolic_link),
		TEST(trust_refuses_when_the_path_is_not_a_plain_one),
		TEST(trust_refuses_when_it_is_not_a_regular_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
