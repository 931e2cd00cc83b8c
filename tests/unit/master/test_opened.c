/* test_opened.c - sockets that the daemon opens itself. */
#include "master/opened.h"

#include "config/listen_key.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
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

static void make_file(const char *path)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fclose(file);
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

	assert_int_equal(opened_new(&f->all, &f->key, 0666, &opened), 0);
	assert_int_equal(opened_set_mode(opened, 0640), 0);
	assert_int_equal(mode_of(f->path), 0640);
	assert_int_equal(unlink(f->path), 0);
	make_file(f->path);
	assert_int_equal(chmod(f->path, 0604), 0);
	assert_int_equal(opened_set_mode(opened, 0666), 0);
	assert_int_equal(mode_of(f->path), 0604);
	opened_unref(&f->all, opened);
	assert_int_equal(access(f->path, F_OK), 0);
}

static void lost_file_is_made_again(void **state)
{
	struct fixture *f = *state;
	struct opened *lost, *fresh;

	assert_int_equal(opened_new(&f->all, &f->key, 0666, &lost), 0);
	assert_true(opened_is_there(lost));
	assert_int_equal(unlink(f->path), 0);
	assert_false(opened_is_there(lost));
	assert_null(opened_find(&f->all, &f->key));
	/* nor is what another has put there ours */
	make_file(f->path);
	assert_null(opened_find(&f->all, &f->key));
	assert_int_equal(opened_new(&f->all, &f->key, 0666, &fresh), -EEXIST);
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(opened_new(&f->all, &f->key, 0666, &fresh), 0);
	assert_ptr_equal(opened_find(&f->all, &f->key), fresh);
	/* the end of the lost one is not that of the file */
	opened_unref(&f->all, lost);
	assert_true(opened_is_there(fresh));
	opened_unref(&f->all, fresh);
}

/* Held by a socket that does not listen; then it is of those who say SO_REUSEADDR. */
static int hold_port(char *text, size_t size)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	snprintf(text, size, "%u", ntohs(address.sin_port));
	return fd;
}

static void own_one_that_is_in_the_way_is_found(void **state)
{
	struct fixture *f = *state;
	struct opened *all, *one, *file, *other;
	struct listen_key key;
	char port[8], next[8], text[160];
	int held = hold_port(port, sizeof(port)), held_next = hold_port(next, sizeof(next));

	snprintf(text, sizeof(text), "web=tcp:0.0.0.0:%s", port);
	assert_null(listen_key_parse(text, &key));
	assert_int_equal(opened_new(&f->all, &key, 0666, &all), 0);
	snprintf(text, sizeof(text), "web=tcp:127.0.0.1:%s", port);
	assert_null(listen_key_parse(text, &key));
	assert_int_equal(opened_new(&f->all, &key, 0666, &other), -EADDRINUSE);
	assert_ptr_equal(opened_find_rival(&f->all, &key), all);
	snprintf(text, sizeof(text), "web=udp:127.0.0.1:%s", port);
	assert_null(listen_key_parse(text, &key));
	assert_null(opened_find_rival(&f->all, &key));
	/* two addresses do not exclude each other, but one and all do */
	snprintf(text, sizeof(text), "web=tcp:127.0.0.1:%s", next);
	assert_null(listen_key_parse(text, &key));
	assert_int_equal(opened_new(&f->all, &key, 0666, &one), 0);
	snprintf(text, sizeof(text), "web=tcp:127.0.0.2:%s", next);
	assert_null(listen_key_parse(text, &key));
	assert_null(opened_find_rival(&f->all, &key));
	snprintf(text, sizeof(text), "web=tcp:[::]:%s", next);
	assert_null(listen_key_parse(text, &key));
	assert_ptr_equal(opened_find_rival(&f->all, &key), one);
	/* at a path it is the file that counts */
	assert_int_equal(opened_new(&f->all, &f->key, 0666, &file), 0);
	snprintf(text, sizeof(text), "web=unix-datagram:%s", f->path);
	assert_null(listen_key_parse(text, &key));
	assert_int_equal(opened_new(&f->all, &key, 0666, &other), -EADDRINUSE);
	assert_ptr_equal(opened_find_rival(&f->all, &key), file);
	snprintf(text, sizeof(text), "web=unix:%s/./s", f->directory);
	assert_null(listen_key_parse(text, &key));
	assert_int_equal(opened_new(&f->all, &key, 0666, &other), -EADDRINUSE);
	assert_ptr_equal(opened_find_rival(&f->all, &key), file);
	/* who has neither is another process */
	assert_null(listen_key_parse("web=unix:/nowhere/at/all", &key));
	assert_null(opened_find_rival(&f->all, &key));
	close(held_next);
	close(held);
}

/* Who is asked whether he lives takes datagrams of another alone. */
static void one_who_talks_to_another_is_alive(void **state)
{
	struct fixture *f = *state;
	const struct sockaddr *address = (const void *)&f->key.address;
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	socklen_t size = sizeof(name);
	struct opened *opened;
	int first = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int second = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(first >= 0 && second >= 0);
	assert_int_equal(bind(first, address, f->key.size), 0);
	/* a name that the kernel chooses */
	assert_int_equal(bind(second, (struct sockaddr *)&name, sizeof(sa_family_t)), 0);
	assert_int_equal(getsockname(second, (struct sockaddr *)&name, &size), 0);
	assert_int_equal(connect(first, (struct sockaddr *)&name, size), 0);
	assert_int_equal(opened_new(&f->all, &f->key, 0666, &opened), -EADDRINUSE);
	close(first);
	close(second);
	assert_int_equal(opened_new(&f->all, &f->key, 0666, &opened), 0);
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
	assert_int_equal(opened_new(&f->all, &f->key, 0666, &opened), -EUSERS);
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
		{"a=tcp:[::]:80", -EADDRINUSE, "close it); [::] takes IPv4 along"},
		{"a=tcp:[::]:80", -EADDRINUSE, "(ss -tlpn names it; a worker of trouped may"},
		{"a=udp:1.2.3.4:80", -EADDRINUSE, "(ss -ulpn names it"},
		{"a=unix:/a", -EADDRINUSE, "(ss -xlpn names it"},
		{"a=unix:/a", -EEXIST, "something that is not a socket"},
		{"a=tcp:1.2.3.4:80", -EADDRNOTAVAIL, "no interface of this machine"},
		{"a=tcp:[::]:80", -EAFNOSUPPORT, "RestrictAddressFamilies="},
		{"a=unix:/a", -EACCES, "and to ask the owner of a socket that is there"},
		{"a=unix:/a", -EUSERS, "1024 such sockets are open already"},
		{"a=unix:/a", -ENOSPC, "No space left on device"},
		{"a=unix:/a", -EMFILE, "Too many open files: LimitNOFILE="},
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
		cmocka_unit_test_setup_teardown(lost_file_is_made_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_who_talks_to_another_is_alive, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(own_one_that_is_in_the_way_is_found, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(nobody_inherits_it_nor_waits_in_it, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(limit_is_that_of_the_daemon, set_up, tear_down),
		cmocka_unit_test(each_error_says_what_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
