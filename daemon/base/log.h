/* log.h - lines for people, to the journal or to standard error.
 *
 * Only the processes' own files (master, worker, ctl's main) log above debug; libraries return
 * errors. A log is a value with an owner, passed to whoever writes: no globals. When standard
 * error is the journal's stream (JOURNAL_STREAM matches), lines carry the "<N>" priority
 * prefix; on a terminal and in a file they do not. A line is one piece (base/sink.h) of at most
 * LOG_LINE bytes; control characters and newlines inside are shown as \xNN, so that nothing a
 * peer sends can forge a line.
 *
 * Writing never waits for whoever reads the log. A line that finds no room is counted and left
 * out; when lines can be written again the first says how many those were. One thread.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/sink.h"
#include <stdbool.h>
#include <stdint.h>

#define LOG_LINE SINK_PIECE

enum log_priority {
	LOG_P_ERROR = 3,
	LOG_P_WARNING = 4,
	LOG_P_NOTICE = 5,
	LOG_P_INFO = 6,
	LOG_P_DEBUG = 7
};

struct log {
	struct sink sink;
	int level; /* the least important priority written */
	bool prefix;
	char tag[32];    /* "trouped", "worker 2": before each line; may be "" */
	uint64_t missed; /* lines that could not be written, not yet reported */
	int error;       /* why the last of them could not: -EAGAIN is a reader's fault */
	void (*on_stuck)(void *context); /* see log_on_stuck(); may be NULL */
	void *context;
};

/* Write to `fd` (borrowed), lines up to priority `level`. */
void log_init(struct log *log, int fd, const char *tag, int level);
/* What is held for a reader who does not read is lost. The descriptor stays open. */
void log_fini(struct log *log);

/* Let `on_stuck` be called by each log_write() that leaves something for log_flush() to do. It
 * may start a timer, but not log. */
void log_on_stuck(struct log *log, void (*on_stuck)(void *context), void *context);

/* Change the tag of further lines. */
void log_set_tag(struct log *log, const char *tag);

void log_write(struct log *log, int priority, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Try to write what is held, and the report of lines left out. True: nothing of the kind is
 * left. To be called from time to time after on_stuck, since no other line may come. */
bool log_flush(struct log *log);

#define log_error(log, ...)   log_write(log, LOG_P_ERROR, __VA_ARGS__)
#define log_warning(log, ...) log_write(log, LOG_P_WARNING, __VA_ARGS__)
#define log_notice(log, ...)  log_write(log, LOG_P_NOTICE, __VA_ARGS__)
#define log_info(log, ...)    log_write(log, LOG_P_INFO, __VA_ARGS__)
#define log_debug(log, ...)   log_write(log, LOG_P_DEBUG, __VA_ARGS__)

#endif
