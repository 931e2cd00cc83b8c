/* diary.c - a text that survives restarts, read in init. */
#include "diary.varlink.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <troupe/actor.h>

struct diary {
	char text[256];
};

static FILE *open_page(const char *directory, const char *mode)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/page", directory);

	return n > 0 && (size_t)n < sizeof(path) ? fopen(path, mode) : NULL;
}

static int begin(struct troupe_self *self, struct diary *me, const void *config)
{
	const char *directory = troupe_state_directory(self);
	FILE *page = directory ? open_page(directory, "re") : NULL;

	(void)config;
	if (!page)
		return 0;
	if (!fgets(me->text, sizeof(me->text), page))
		me->text[0] = '\0';
	fclose(page);
	return 0;
}

static int on_write(struct troupe_self *self, struct diary *me, struct diary_write_call call,
		    const struct diary_write *in)
{
	const char *directory = troupe_state_directory(self);
	FILE *page = directory ? open_page(directory, "we") : NULL;

	if (!page)
		return -ENOENT;
	(void)snprintf(me->text, sizeof(me->text), "%s", in->text);
	(void)fputs(me->text, page);
	if (fclose(page) != 0)
		return -EIO;
	return diary_write_return(self, call, NULL);
}

static int on_read(struct troupe_self *self, struct diary *me, struct diary_read_call call,
		   const struct diary_read *in)
{
	struct diary_read_out out = {troupe_state_directory(self), me->text};

	(void)in;
	return diary_read_return(self, call, &out);
}

DIARY_HANDLERS(diary_pages, struct diary, .write = on_write, .read = on_read)
TROUPE_LIFE(diary_life, struct diary, void, .init = begin)

TROUPE_ACTOR(diary) = {
	TROUPE_ABI(diary),
	.state_size = sizeof(struct diary),
	.life = &diary_life,
	.interfaces = {&diary_pages},
};
