/* throws.cc - exceptions before and after a wait, in two tasks that take turns. */
#include "throws.h"
#include <cerrno>
#include <stdexcept>
#include <string>

static void fail(const char *what)
{
	throw std::runtime_error(what);
}

static int throws(struct troupe_self *self, void *state, const char *what, int64_t *caught)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		std::string text;

		try {
			fail(what);
		} catch (const std::runtime_error &error) {
			text = error.what();
		}
		if (text != what)
			return -EIO;
		++*caught;
		/* the other one throws meanwhile */
		int rc = troupe_yield(self);
		if (rc < 0)
			return rc;
	}
	return 0;
}
TROUPE_TASK(throws, void, const char, int64_t)

static void *text(const char *what)
{
	return const_cast<char *>(what);
}

int throws_start(struct troupe_self *self, struct troupe_scope scope, int64_t *caught)
{
	int rc = troupe_start(self, scope, &throws_task, text("one"), caught, NULL);

	return rc < 0 ? rc
		      : troupe_start(self, scope, &throws_task, text("other"), caught, NULL);
}
