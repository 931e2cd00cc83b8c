#include "base/page.h"
#include "base/cleanup.h"

const char *page_doing_words(uint64_t doing)
{
	static const char *const words[] = {
		[PAGE_DOING_NOTHING] = "nothing known",
		[PAGE_DOING_INIT] = "init",
		[PAGE_DOING_FINI] = "fini",
		[PAGE_DOING_REPLY] = "a reply",
		[PAGE_DOING_TIMER] = "a timer",
		[PAGE_DOING_ROOM] = "on_room",
		[PAGE_DOING_CANCEL] = "on_cancel",
		[PAGE_DOING_LOAD] = "loading a plug-in",
		[PAGE_DOING_DEFINE] = "reading a configuration",
		[PAGE_DOING_WATCH] = "a watch",
		[PAGE_DOING_POST] = "a post",
		[PAGE_DOING_TASK] = "a task",
		[PAGE_DOING_JOB] = "a blocking job",
	};

	_Static_assert(ARRAY_LEN(words) == PAGE_DOING_COUNT, "a word for each");
	return doing < ARRAY_LEN(words) ? words[doing] : NULL;
}

const char *page_guard_words(uint32_t guard)
{
	static const char *const words[] = {
		[PAGE_GUARD_MADVISE] = "madvise",
		[PAGE_GUARD_PROTECT] = "mprotect",
		[PAGE_GUARD_CANARY] = "canary",
	};

	_Static_assert(ARRAY_LEN(words) == PAGE_GUARD_COUNT, "a word for each");
	return guard < ARRAY_LEN(words) ? words[guard] : NULL;
}
