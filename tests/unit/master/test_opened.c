/* test_opened.c - sockets that the daemon opens itself. */
#include "master/opened.h"

#include "config/listen_key.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	struct opened_all all;
	char directory[64], text[160], path[128];
	struct listen_key key;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	strcpy(f->directory, "/tmp/troupe-opened-XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	snprintf(f->path, sizeof(f->path), "%s/s", f->directory);
	snprintf(f->text, sizeof(f->text), "web=unix:%s", f->path);
	assert_null(listen_key_parse(f->text, &f->key));
	opened_init(&f->all);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	opened_fini(&f->all);
	(void)unlink(f->path);
	assert_int_equal(rmdir(f->directory), 0);
	free(f);
	return 0;
}

static mode_t mode_of(const char *path)
{
	struct stat file;

	return lstat(path, &file) < 0 ? 0 : file.st_mode & 07777;
}

static void opened_goes_with_its_last_user(void **state)
{
	struct fixture *f = *state;
	struct opened *opened;

	assert_null(opened_find(&f->all, &f->key));
	assert_int_equal(opened_new(&f->all, &f->key, 0600, &opened), 0);
	assert_ptr_equal(opened_find(&f->all, &f->key), opened);
	assert_string_equal(opened->place, strchr(f->text, '=') + 1);
	(void)opened_ref(opened);
	opened_unref(&f->all, opened);
	assert_int_equal(access(f->path, F_OK), 0);
	opened_unref(&f->all, opened);
	assert_int_equal(access(f->path, F_OK), -1);
	assert_null(opened_find(&f->all, &f->key));
	assert_int_equal(f->all.n, 0);
}

static void place_of_another_kind_is_another(void **state)
{
	struct fixture *f = *state;
	struct listen_key key;
	struct opened *opened;

	assert_int_equal(opened_new(&f->all, &f->key, 0666, &opened), 0);
	snprintf(f->text, sizeof(f->text), "web=unix-datagram:%s", f->path);
	assert_null(listen_key_parse(f->text, &key));
	assert_null(opened_find(&f->all, &key));
	assert_null(listen_key_parse("web=unix:@troupe", &key));
	assert_null(opened_find(&f->all, &key));
	assert_int_equal(opened_new(&f->all, &f->key, 0666, &opened), -EADDRINUSE);
}

static void file_has_its_mode_whatever_the_mask_is(void **state)
{
	static const mode_t modes[] = {0666, 0600, 0777, 0};
	struct fixture *f = *state;
	const mode_t mask = umask(0027);
	struct opened *opened;

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		assert_int_equal(opened_new(&f->all, &f->key, modes[i], &opened), 0);
		assert_int_equal(mode_of(f->path), modes[i]);
		opened_unref(&f->all, opened);
	}
	assert_int_equal(umask(mask), 0027);
}

static void mode_is_not_that_of_what_another_has_put_there(void **state)
{
	struct fixture *f = *state;
	struct opened *opened;
	FILE *file;

	assert_int_equal(opened_new(&f->all, &f->key, 0666, &opened), 0);
	assert_int_equal(opened_set_mode(opened, 0640), 0);
	assert_int_equal(mode_of(f->path), 0640);
	assert_int_equal(unlink(f->path), 0);
	file = fopen(f->path, "w");
	assert_non_null(file);
	fclose(file);
	assert_int_equal(chmod(f->path, 0604), 0);
	assert_int_equal(opened_set_mode(opened, 0666), 0);
	assert_int_equal(mode_of(f->path), 0604);
	opened_unref(&f->all, opened);
	assert_int_equal(access(f->path, F_OK), 0);
}

static void nobody_inherits_it_nor_waits_in_it(void **state)
{
	struct fixture *f = *state;
	struct opened *opened;

	assert_int_equal(opened_new(&f->all, &f->key, 0666, &opened), 0);
	assert_true(fcntl(opened->fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(opened->fd, F_GETFL) & O_NONBLOCK);
}

static void limit_is_that_of_the_daemon(void **state)
{
	struct fixture *f = *state;
	struct opened *opened;

	f->all.n = LIMIT_OPENED;
	assert_int_equal(opened_new(&f->all, &f->key, 0666, &opened), -ENOSPC);
	f->all.n--;
	assert_int_equal(opened_new(&f->all, &f->key, 0666, &opened), 0);
	opened_unref(&f->all, opened);
	f->all.n = 0;
}

static void each_error_says_what_to_do(void **state)
{
	static const struct {
		const char *text;
		int error;
		const char *why;
	} cases[] = {
		{"a=tcp:0.0.0.0:80", -EACCES, "CAP_NET_BIND_SERVICE"},
		{"a=unix:/a", -EACCES, "must be able to make files in that directory"},
		{"a=tcp:[::]:80", -EADDRINUSE, "(ss -tlpn names it); [::] takes IPv4 along"},
		{"a=udp:1.2.3.4:80", -EADDRINUSE, "(ss -ulpn names it)"},
		{"a=unix:/a", -EADDRINUSE, "(ss -xlpn names it)"},
		{"a=unix:/a", -EEXIST, "something that is not a socket"},
		{"a=tcp:1.2.3.4:80", -EADDRNOTAVAIL, "no interface of this machine"},
		{"a=tcp:[::]:80", -EAFNOSUPPORT, "RestrictAddressFamilies="},
		{"a=unix:/a", -ENOSPC, "1024 such sockets are open already"},
		{"a=unix:/a", -EMFILE, "Too many open files"},
	};
	struct listen_key key;
	char why[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_null(listen_key_parse(cases[i].text, &key));
		opened_explain(&key, cases[i].error, why, sizeof(why));
		assert_non_null(strstr(why, cases[i].why));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(opened_goes_with_its_last_user, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(place_of_another_kind_is_another, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(file_has_its_mode_whatever_the_mask_is, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(mode_is_not_that_of_what_another_has_put_there,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(nobody_inherits_it_nor_waits_in_it, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(limit_is_that_of_the_daemon, set_up, tear_down),
		cmocka_unit_test(each_error_says_what_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
