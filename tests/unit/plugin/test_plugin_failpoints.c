/* test_plugin_failpoints.c - each allocation and each descriptor of plugin/ fails once, while
 * plug-ins are loaded. */
#include "plugin/loader.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/io.h"
#include "tests/failpoints/failpoint.h"
#include "tests/failpoints/sweep.h"

static char *file;
static size_t size;

static int load_plugin(void *data)
{
	char why[PLUGIN_WHY_MAX] = "";
	struct plugin *plugin = NULL;
	struct loader_symbol symbol;
	struct loader *loader;
	unsigned before = failpoint_descriptors();
	int fd, r = loader_new(&loader);

	(void)data;
	if (r < 0)
		return r;
	r = memfd_of("plugin", file, size, &fd);
	if (r < 0) {
		loader_free(loader);
		return r;
	}
	r = loader_load(loader, fd, "hello.so", 7, 0, &plugin, why);
	if (r < 0) {
		assert_null(plugin);
		assert_string_not_equal(why, "");
		assert_true(r == -ENOMEM || r == -EMFILE || strstr(why, "cannot open"));
		/* The dynamic linker's texts are its own; and once it has loaded the file, that
		 * stays. */
		if (r == -ENOEXEC || failpoint_descriptors() > before)
			r = 1;
	} else {
		uintptr_t handler = (uintptr_t)plugin->tables[0]->interfaces[0]->handlers[0];

		assert_string_equal(why, "");
		assert_true(loader_find_symbol(loader, handler, &symbol));
		assert_string_equal(symbol.plugin, "hello.so");
		r = 1;
	}
	loader_free(loader);
	return r;
}

static void plugin_is_loaded_whole_or_refused(void **state)
{
	char program[1024], path[1280];
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);

	(void)state;
	assert_true(n > 0);
	program[n] = '\0';
	*strstr(program, "/tests/unit/") = '\0';
	snprintf(path, sizeof(path), "%s/plugins/hello.so", program);
	assert_int_equal(io_file_read(AT_FDCWD, path, PLUGIN_FILE_MAX, &file, &size), 0);
	sweep(load_plugin, NULL);
	free(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plugin_is_loaded_whole_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
