/* wordcount.c - count the words of texts and files, a slice at a time.
 *
 * A handler must not hold up its worker, so nothing larger than a slice is counted in one
 * go: the call and its message are kept, and a timer without delay comes back for the next
 * slice after the messages that wait by then. One count is under way at a time; the others
 * wait in line.
 */
#include "directories.h"
#include "wordcount.varlink.h"
#include "words.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/actor.h>
#include <unistd.h>

#define SLICE_BYTES      (256u << 10)
#define FILE_MAX_DEFAULT (1ll << 30)
#define TOP_DEFAULT      10
#define JOBS_MAX         256

enum job_kind { JOB_TEXT, JOB_BYTES, JOB_FILE };

/* A count that was asked for. */
struct job {
	struct job *next;
	enum job_kind kind;
	struct troupe_call call; /* of the method of that kind */
	struct troupe_kept
		*kept; /* the message that text and path lie in; NULL: handled right now */
	size_t top;
	const char *text; /* what is left of a text, or of bytes */
	size_t text_left;
	const char *path; /* FILE */
	int fd;           /* of the file, once its turn has come; else -1 */
	struct words words;
};

struct counter {
	struct directories directories;
	int64_t file_max;
	char *slice;       /* SLICE_BYTES of a file; made when needed */
	struct job *first; /* the one under way */
	struct job **last;
	size_t n_jobs;
	struct troupe_timer timer; /* runs while there are jobs */
};

static int on_slice(struct troupe_self *self, struct counter *me, uint64_t context);
TROUPE_TIMER(on_slice, struct counter)

static struct wordcount_count_call text_call(const struct job *job)
{
	return (struct wordcount_count_call){job->call};
}

static struct wordcount_count_bytes_call bytes_call(const struct job *job)
{
	return (struct wordcount_count_bytes_call){job->call};
}

static struct wordcount_count_file_call file_call(const struct job *job)
{
	return (struct wordcount_count_file_call){job->call};
}

static int reply(struct troupe_self *self, const struct job *job,
		 const struct wordcount_result *result)
{
	switch (job->kind) {
	case JOB_TEXT:
		return wordcount_count_return(self, text_call(job),
					      &(struct wordcount_count_out){*result});
	case JOB_BYTES:
		return wordcount_count_bytes_return(
			self, bytes_call(job), &(struct wordcount_count_bytes_out){*result});
	case JOB_FILE:
		return wordcount_count_file_return(self, file_call(job),
						   &(struct wordcount_count_file_out){*result});
	}
	return -EINVAL;
}

static int fail_too_large(struct troupe_self *self, const struct job *job, const char *what,
			  int64_t limit)
{
	const struct wordcount_too_large error = {.what = what, .limit = limit};

	switch (job->kind) {
	case JOB_TEXT:
		return wordcount_count_fail_too_large(self, text_call(job), &error);
	case JOB_BYTES:
		return wordcount_count_bytes_fail_too_large(self, bytes_call(job), &error);
	case JOB_FILE:
		return wordcount_count_file_fail_too_large(self, file_call(job), &error);
	}
	return -EINVAL;
}

static int fail_not_readable(struct troupe_self *self, const struct job *job, int error)
{
	const char *reason =
		error == -EPERM    ? "it lies in no directory that this actor may read"
		: error == -EXDEV  ? "it leads out of the directory"
		: error == -EINVAL ? "it is not the absolute path of a regular file"
				   : strerror(-error);

	return wordcount_count_file_fail_not_readable(
		self, file_call(job),
		&(struct wordcount_not_readable){.path = job->path, .reason = reason});
}

/* Answer with what was counted. */
static int return_result(struct troupe_self *self, struct job *job)
{
	const struct words *words = &job->words;
	struct word *top;
	size_t n;

	int r = words_top(words, job->top, &top, &n);
	if (r < 0)
		return r;
	struct wordcount_word *items = calloc(n ? n : 1, sizeof(*items));
	if (!items) {
		free(top);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		items[i].word = top[i].text;
		items[i].count = (int64_t)top[i].count;
	}
	const struct wordcount_result result = {
		.bytes = (int64_t)words->bytes,
		.lines = (int64_t)words->lines,
		.words = (int64_t)words->total,
		.distinct = (int64_t)words->distinct,
		.top = {.items = items, .count = n},
	};
	r = reply(self, job, &result);
	free(items);
	free(top);
	if (r == -EMSGSIZE)
		r = fail_too_large(self, job, "bytes in the reply", TROUPE_MESSAGE_MAX);
	return r;
}

/* Fetch the next slice: SLICE_BYTES, or less at the end. */
static int next_slice(struct counter *me, struct job *job, const char **ret_slice,
		      size_t *ret_size)
{
	if (job->kind != JOB_FILE) {
		size_t size = job->text_left < SLICE_BYTES ? job->text_left : SLICE_BYTES;

		*ret_slice = job->text;
		*ret_size = size;
		job->text += size;
		job->text_left -= size;
		return 0;
	}
	if (!me->slice) {
		me->slice = malloc(SLICE_BYTES);
		if (!me->slice)
			return -ENOMEM;
	}
	/* Some file systems give less than they could: only 0 is the end. */
	size_t size = 0;
	while (size < SLICE_BYTES) {
		ssize_t n = read(job->fd, me->slice + size, SLICE_BYTES - size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		size += (size_t)n;
	}
	*ret_slice = me->slice;
	*ret_size = size;
	return 0;
}

/* Count one slice of a job. 1: it has been answered; 0: there is more to count; negative: it
 * has failed and was not answered. */
static int step(struct troupe_self *self, struct counter *me, struct job *job)
{
	enum words_limit limit = WORDS_NO_LIMIT;
	const char *slice = NULL;
	size_t size = 0;
	int r;

	if (job->kind == JOB_FILE && job->fd < 0) {
		r = directories_open(&me->directories, job->path, &job->fd);
		if (r < 0) {
			r = fail_not_readable(self, job, r);
			return r < 0 ? r : 1;
		}
	}
	r = next_slice(me, job, &slice, &size);
	if (r < 0) {
		r = job->kind == JOB_FILE && r != -ENOMEM ? fail_not_readable(self, job, r) : r;
		return r < 0 ? r : 1;
	}
	if (job->kind == JOB_FILE && job->words.bytes + size > (uint64_t)me->file_max) {
		r = fail_too_large(self, job, "bytes", me->file_max);
		return r < 0 ? r : 1;
	}
	r = words_add(&job->words, slice, size, &limit);
	if (r == 0 && size == SLICE_BYTES)
		return 0;
	if (r == 0)
		r = words_end(&job->words, &limit);
	if (r == 0)
		r = return_result(self, job);
	else if (limit == WORDS_DISTINCT)
		r = fail_too_large(self, job, "distinct words", WORDS_DISTINCT_MAX);
	else if (limit == WORDS_LENGTH)
		r = fail_too_large(self, job, "bytes in one word", WORDS_LENGTH_MAX);
	return r < 0 ? r : 1;
}

static void job_fini(struct troupe_self *self, struct job *job)
{
	words_fini(&job->words);
	if (job->fd >= 0)
		close(job->fd);
	troupe_release(self, job->kept);
}

static void remove_job(struct troupe_self *self, struct counter *me, struct job **place)
{
	struct job *job = *place;

	*place = job->next;
	if (!job->next)
		me->last = place;
	me->n_jobs--;
	job_fini(self, job);
	free(job);
}

/* Come back for the next slice after the messages that wait now. */
static int go_on(struct troupe_self *self, struct counter *me)
{
	if (me->timer.id)
		return 0;
	return troupe_timer_start(self, &on_slice_entry, 0, 0, 0, &me->timer);
}

/* Put a job in line, with its call and its message. On failure it is still the caller's. */
static int enqueue(struct troupe_self *self, struct counter *me, const struct job *begun)
{
	struct job *job = malloc(sizeof(*job));
	int r = -ENOMEM;

	if (!job)
		return -ENOMEM;
	*job = *begun;
	r = troupe_keep(self, &job->kept);
	if (r < 0)
		goto fail;
	r = go_on(self, me);
	if (r < 0)
		goto fail_kept;
	/* Last, as it cannot be undone without dropping the call. */
	r = troupe_call_keep(self, &job->call);
	if (r < 0)
		goto fail_kept;
	*me->last = job;
	me->last = &job->next;
	me->n_jobs++;
	return 0;

fail_kept:
	troupe_release(self, job->kept);
fail:
	free(job);
	return r;
}

static int begin(struct troupe_self *self, struct counter *me, struct job *job)
{
	int r = 0;

	if (me->n_jobs == JOBS_MAX)
		return fail_too_large(self, job, "counts under way", JOBS_MAX);
	words_init(&job->words, (uint32_t)troupe_random(self));
	/* What fits into one slice is done at once, unless others are in line before it. */
	if (!me->first)
		r = step(self, me, job);
	if (r == 0)
		r = enqueue(self, me, job);
	/* Answered, or failed: it is not in line. */
	if (r != 0)
		job_fini(self, job);
	return r < 0 ? r : 0;
}

static int on_slice(struct troupe_self *self, struct counter *me, uint64_t context)
{
	(void)context;
	me->timer = (struct troupe_timer){0};
	if (!me->first)
		return 0;
	int r = step(self, me, me->first);
	if (r < 0) {
		troupe_log(self, 3, "count given up: %s", strerror(-r));
		/* The caller gets NoReply. */
		(void)troupe_call_drop(self, me->first->call);
	}
	if (r != 0)
		remove_job(self, me, &me->first);
	return me->first ? go_on(self, me) : 0;
}

static int on_count(struct troupe_self *self, struct counter *me,
		    struct wordcount_count_call call, const struct wordcount_count *in)
{
	struct job job = {
		.kind = JOB_TEXT,
		.call = call.call,
		.top = in->top ? (size_t)*in->top : TOP_DEFAULT,
		.text = in->text,
		.text_left = strlen(in->text),
		.fd = -1,
	};

	if (in->top && *in->top < 0)
		return wordcount_count_fail_parameter(self, call, "top",
						      "must not be negative");
	return begin(self, me, &job);
}

static int on_count_bytes(struct troupe_self *self, struct counter *me,
			  struct wordcount_count_bytes_call call,
			  const struct wordcount_count_bytes *in)
{
	struct job job = {
		.kind = JOB_BYTES,
		.call = call.call,
		.top = in->top ? (size_t)*in->top : TOP_DEFAULT,
		.text = in->bytes.data,
		.text_left = in->bytes.size,
		.fd = -1,
	};

	if (in->top && *in->top < 0)
		return wordcount_count_bytes_fail_parameter(self, call, "top",
							    "must not be negative");
	return begin(self, me, &job);
}

static int on_count_file(struct troupe_self *self, struct counter *me,
			 struct wordcount_count_file_call call,
			 const struct wordcount_count_file *in)
{
	struct job job = {
		.kind = JOB_FILE,
		.call = call.call,
		.top = in->top ? (size_t)*in->top : TOP_DEFAULT,
		.path = in->path,
		.fd = -1,
	};

	if (in->top && *in->top < 0)
		return wordcount_count_file_fail_parameter(self, call, "top",
							   "must not be negative");
	return begin(self, me, &job);
}

/* Nobody waits for that count any more. */
static int on_cancel(struct troupe_self *self, struct counter *me, struct troupe_call call)
{
	for (struct job **place = &me->first; *place; place = &(*place)->next) {
		if ((*place)->call.id != call.id)
			continue;
		/* The timer may come once for nothing. */
		remove_job(self, me, place);
		break;
	}
	return 0;
}

static int counter_init(struct troupe_self *self, struct counter *me,
			const struct wordcount_config *config)
{
	me->last = &me->first;
	me->file_max = FILE_MAX_DEFAULT;
	if (!config)
		return 0;
	if (config->fileMax) {
		if (*config->fileMax < 0) {
			troupe_log(self, 3, "fileMax is negative");
			return -EINVAL;
		}
		me->file_max = *config->fileMax;
	}
	if (!config->directories)
		return 0;
	int r = directories_init(&me->directories, config->directories->items,
				 config->directories->count);
	if (r == -EINVAL)
		troupe_log(self, 3, "directories must be absolute paths");
	if (r == -E2BIG)
		troupe_log(self, 3, "more than %d directories", DIRECTORIES_MAX);
	return r;
}

static void counter_fini(struct troupe_self *self, struct counter *me, enum troupe_cause cause)
{
	(void)cause;
	while (me->first)
		remove_job(self, me, &me->first);
	directories_fini(&me->directories);
	free(me->slice);
}

WORDCOUNT_HANDLERS(counter_wordcount, struct counter, .count = on_count,
		   .count_bytes = on_count_bytes, .count_file = on_count_file)
TROUPE_LIFE(counter_life, struct counter, struct wordcount_config, .init = counter_init,
	    .fini = counter_fini, .on_cancel = on_cancel)

TROUPE_ACTOR(wordcount) = {
	TROUPE_ABI(wordcount),
	.description = "Counts the words of texts and files.",
	.state_size = sizeof(struct counter),
	.config = &wordcount_config_type,
	.life = &counter_life,
	.interfaces = {&counter_wordcount},
	.entries = {&on_slice_entry},
};
