/* log.h - lines for people, to the journal or to standard error.
 *
 * Only the processes' own files (master, worker, ctl's main) log above debug; libraries return
 * errors. A log is a value with an owner, passed to whoever writes: no globals. When standard
 * error is the journal's stream (JOURNAL_STREAM matches), lines carry the "<N>" priority
 * prefix; on a terminal and in a file they do not. One line is one write(2) of at most LOG_LINE
 * bytes; control characters and newlines inside are shown as \xNN, so that nothing a peer sends
 * can forge a line. Any thread.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

#define LOG_LINE 4096

enum log_priority {
	LOG_P_ERROR = 3,
	LOG_P_WARNING = 4,
	LOG_P_NOTICE = 5,
	LOG_P_INFO = 6,
	LOG_P_DEBUG = 7
};

struct log {
	int fd;
	int level; /* the least important priority written */
	bool prefix;
	char tag[32]; /* "trouped", "worker 2": before each line; may be "" */
};

/* Write to `fd` (borrowed), lines up to priority `level`. */
void log_init(struct log *log, int fd, const char *tag, int level);

void log_write(const struct log *log, int priority, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define log_error(log, ...)   log_write(log, LOG_P_ERROR, __VA_ARGS__)
#define log_warning(log, ...) log_write(log, LOG_P_WARNING, __VA_ARGS__)
#define log_notice(log, ...)  log_write(log, LOG_P_NOTICE, __VA_ARGS__)
#define log_info(log, ...)    log_write(log, LOG_P_INFO, __VA_ARGS__)
#define log_debug(log, ...)   log_write(log, LOG_P_DEBUG, __VA_ARGS__)

#endif
