/* verbs.h - the verbs of troupectl, each in a file of its own or of its group.
 *
 * arguments: what follows the verb, options taken out; n is within the verb's bounds. Each
 * returns an exit status.
 */
#ifndef CTL_VERBS_H
#define CTL_VERBS_H

#include "ctl/ctl.h"

int verb_status(struct ctl *ctl, char **arguments, int n);
int verb_list(struct ctl *ctl, char **arguments, int n);
int verb_show(struct ctl *ctl, char **arguments, int n);
int verb_tree(struct ctl *ctl, char **arguments, int n);
int verb_workers(struct ctl *ctl, char **arguments, int n);
int verb_actors(struct ctl *ctl, char **arguments, int n);
int verb_tasks(struct ctl *ctl, char **arguments, int n);
int verb_blocked(struct ctl *ctl, char **arguments, int n);
int verb_call(struct ctl *ctl, char **arguments, int n);
int verb_run(struct ctl *ctl, char **arguments, int n);
int verb_send(struct ctl *ctl, char **arguments, int n);
int verb_map(struct ctl *ctl, char **arguments, int n);
int verb_spawn(struct ctl *ctl, char **arguments, int n);
int verb_stop(struct ctl *ctl, char **arguments, int n);
int verb_start(struct ctl *ctl, char **arguments, int n);
int verb_restart(struct ctl *ctl, char **arguments, int n);
int verb_kill(struct ctl *ctl, char **arguments, int n);
int verb_reload(struct ctl *ctl, char **arguments, int n);
int verb_shutdown(struct ctl *ctl, char **arguments, int n);
int verb_watch(struct ctl *ctl, char **arguments, int n);
int verb_introspect(struct ctl *ctl, char **arguments, int n);
int verb_inspect(struct ctl *ctl, char **arguments, int n);

#endif
