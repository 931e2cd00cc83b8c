/* recorder.c - a handler for the signals that end a process.
 *
 * Everything below run_handler() is async-signal-safe, or as good as: backtrace() and
 * dladdr() take no memory once they were called, and the linker's lock that dladdr() takes is
 * recursive. Should they hang or fault all the same: what is known without them is written
 * first, a second fault kills, and an alarm ends a handler that hangs.
 */
#include "worker/recorder.h"

#include "base/cleanup.h"
#include "base/sink.h"
#include "worker/code_names.h"
#include "worker/crash_context.h"
#include "worker/crash_text.h"
#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MAGIC       0x5452435243524153ull
#define HEAD_BYTES  (64u << 10) /* struct recorder; the rest of it cannot be touched */
#define STACK_BYTES (256u << 10)
#define OWN_FRAMES  8 /* of the handler itself, and of a sanitizer around it */
#define ALARM_S     3
#define REPORT_MS   1000 /* for the first thread to note an exit of another one */

/* Lies HEAD_BYTES before the alternate stack. */
struct recorder {
	pid_t pid; /* a process that a plug-in has forked is another one */
	struct page *page;
	const struct runtime *runtime;
	const struct channel *channel;
	struct code_names names;
	sigjmp_buf *volatile guard; /* NULL: none */
	char tag[32];
};

/* What happened, by the thread that it happened to. */
struct fault {
	_Atomic uint64_t magic; /* set when the rest is there for another thread to read */
	int signal;
	siginfo_t info;
	uint32_t thread_id;
	uintptr_t frames[PAGE_FRAMES]; /* innermost first */
	uint32_t n_frames;
	bool is_exact; /* the first frame is the place itself, not a return address */
	bool is_exit;  /* no fault: this thread ends the process, with: */
	int status;
	_Atomic bool is_reported;
};

static const int fatal_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP};

/* ---- frames */

/* Whether that lies in an object that is loaded. Async-signal-safe. */
static bool is_loaded(uintptr_t address)
{
	struct dl_find_object object;

	return _dl_find_object((void *)address, &object) == 0;
}

/* The stack of the code that the signal interrupted, without the handler's own frames. */
static void find_frames(struct fault *fault, const ucontext_t *context)
{
	fault->n_frames = recorder_find_frames(context, fault->frames, &fault->is_exact);
}

uint32_t recorder_find_frames(const ucontext_t *context, uintptr_t frames[static PAGE_FRAMES],
			      bool *ret_exact)
{
	void *all[PAGE_FRAMES + OWN_FRAMES];
	uint32_t n_frames = 0;
	int first = 0, n;
	uintptr_t pc;

	/* Called or jumped to where no code is: the unwinder cannot get past that, and faults
	 * itself where nothing is mapped. */
	if (crash_context_pc(context, &pc) && !is_loaded(pc)) {
		frames[0] = pc;
		frames[1] = crash_context_caller(context);
		*ret_exact = true;
		return 2;
	}
	n = backtrace(all, PAGE_FRAMES + OWN_FRAMES);
	for (int i = 0; i < n && first == 0; i++)
		if ((uintptr_t)all[i] == pc)
			first = i;
	*ret_exact = first > 0;
	while (first < n && n_frames < PAGE_FRAMES)
		frames[n_frames++] = (uintptr_t)all[first++];
	return n_frames;
}

/* ---- reporting */

/* Whether an instruction faulted; otherwise some process, perhaps this one, sent the signal. */
static bool is_fault(const struct fault *fault)
{
	return fault->info.si_code > 0;
}

/* "stack overflow in task fetch, 64 KiB: TaskStack=" */
static bool find_overflow(const struct recorder *crash, const struct fault *fault,
			  struct crash_text *text)
{
	const char *task;
	size_t bytes;

	if (!runtime_find_overflow(crash->runtime,
				   is_fault(fault) ? (uintptr_t)fault->info.si_addr : 0, &task,
				   &bytes))
		return false;
	crash_text_add(text, "stack overflow in task ");
	crash_text_add(text, task);
	crash_text_add(text, ", ");
	crash_text_add_number(text, bytes >> 10, 10);
	crash_text_add(text, " KiB: TaskStack=");
	return true;
}

/* "task stray: begin_and_return() has returned from a scope that it began" */
static void find_astray(const struct recorder *crash, struct crash_text *text)
{
	const char *task, *function;

	if (!runtime_find_astray(crash->runtime, &task, &function))
		return;
	crash_text_add(text, "task ");
	crash_text_add(text, task);
	crash_text_add(text, ": ");
	crash_text_add(text, function);
	crash_text_add(text, "() has returned from a scope that it began");
}

static void find_what(const struct recorder *crash, const struct fault *fault,
		      char what[static PAGE_WHAT])
{
	struct crash_text text = {what, PAGE_WHAT - 1};

	what[0] = '\0';
	if (fault->is_exit || !crash->runtime)
		return;
	if (!find_overflow(crash, fault, &text))
		find_astray(crash, &text);
}

/* What the thread was at that it happened to, if that is one which runs plug-in code by itself;
 * else what the plug-ins' thread was at. */
static const struct page_thread *find_thread(const struct page *page, uint32_t thread_id)
{
	for (size_t i = 0; i < ARRAY_LEN(page->jobs); i++) {
		const struct page_thread *thread = &page->jobs[i];

		if (atomic_load_explicit(&thread->thread_id, memory_order_relaxed) == thread_id)
			return thread;
	}
	return &page->thread;
}

static void write_record(const struct recorder *crash, const struct fault *fault)
{
	struct page *page = crash->page;
	struct page_crash *record = &page->crash;

	record->signal = fault->signal;
	record->code = fault->info.si_code;
	record->thread_id = fault->thread_id;
	record->address = is_fault(fault) ? (uintptr_t)fault->info.si_addr : 0;
	record->n_frames = 0;
	record->thread = *find_thread(page, fault->thread_id);
	find_what(crash, fault, record->what);
	atomic_store_explicit(&record->written, 1, memory_order_release);
}

static void write_frames(const struct recorder *crash, const struct fault *fault)
{
	struct page_crash *record = &crash->page->crash;

	for (uint32_t i = 0; i < fault->n_frames; i++) {
		code_names_fill(&crash->names, fault->frames[i], i > 0 || !fault->is_exact,
				&record->frames[i]);
		record->n_frames = i + 1;
	}
}

/* "worker 2: SIGSEGV (code 1) at 0x0 in thread 4711: hello.so(on_greet+0x1c)
 * hello.so(+0x1234)" */
static void write_line(const struct recorder *crash, const struct fault *fault)
{
	char line[1024], frame[PAGE_SYMBOL], what[PAGE_WHAT];
	struct crash_text text = {line, sizeof(line) - 2};

	crash_text_add(&text, crash->tag);
	crash_text_add(&text, ": ");
	crash_text_add(&text, fault->is_exit ? "exit " : "SIG");
	crash_text_add(&text, fault->is_exit ? "" : sigabbrev_np(fault->signal));
	if (fault->is_exit) {
		crash_text_add_number(&text, (uint64_t)(uint8_t)fault->status, 10);
	} else if (is_fault(fault)) {
		crash_text_add(&text, " (code ");
		crash_text_add_number(&text, (uint64_t)fault->info.si_code, 10);
		crash_text_add(&text, ") at ");
		crash_text_add_hex(&text, (uintptr_t)fault->info.si_addr);
	} else {
		crash_text_add(&text, " sent by process ");
		crash_text_add_number(&text, (uint64_t)fault->info.si_pid, 10);
	}
	crash_text_add(&text, " in thread ");
	crash_text_add_number(&text, fault->thread_id, 10);
	find_what(crash, fault, what);
	crash_text_add(&text, what[0] ? ": " : "");
	crash_text_add(&text, what);
	crash_text_add(&text, ":");
	for (uint32_t i = 0; i < fault->n_frames && i < 6; i++) {
		code_names_print(&crash->names, fault->frames[i], i > 0 || !fault->is_exact,
				 frame, sizeof(frame));
		crash_text_add(&text, " ");
		crash_text_add(&text, frame);
	}
	text.at[0] = '\n';
	sink_try(STDERR_FILENO, line, (size_t)(text.at + 1 - line));
}

static void report(const struct recorder *crash, struct fault *fault, const ucontext_t *context)
{
	/* The page is the worker's, and only for its own end: not for a forked child's. */
	bool is_ours = crash->pid == getpid(), has_page = crash->page && is_ours;

	if (has_page)
		write_record(crash, fault);
	/* What handlers have answered before the one at fault. Of another thread's faults
	 * none of them knows. */
	if (is_ours && crash->channel && fault->thread_id == (uint32_t)gettid())
		channel_send_last(crash->channel);
	if (context)
		find_frames(fault, context);
	if (has_page)
		write_frames(crash, fault);
	write_line(crash, fault);
}

/* ---- the handler */

static void restore_defaults(void)
{
	const struct sigaction action = {.sa_handler = SIG_DFL};

	for (size_t i = 0; i < ARRAY_LEN(fatal_signals); i++)
		sigaction(fatal_signals[i], &action, NULL);
}

static void limit_time(void)
{
	const struct sigaction action = {.sa_handler = SIG_DFL};
	sigset_t set;

	sigaction(SIGALRM, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	alarm(ALARM_S);
}

/* Have the first thread report what is known of a fault or exit of another one, in its handler
 * of that signal. False: it cannot be reached. */
static bool send_to_first(struct fault *fault, int number)
{
	siginfo_t info = {.si_signo = number, .si_code = SI_QUEUE};

	atomic_store_explicit(&fault->magic, MAGIC, memory_order_release);
	info.si_pid = getpid();
	info.si_uid = getuid();
	info.si_value.sival_ptr = fault;
	return syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), number, &info) == 0;
}

/* Another thread's fault, reported by the first thread; then that thread ends the process. */
static void pass_on(struct fault *fault, const ucontext_t *context)
{
	find_frames(fault, context);
	if (send_to_first(fault, fault->signal))
		/* It dies in its handler, and this thread with it. */
		nanosleep(&(struct timespec){.tv_sec = ALARM_S}, NULL);
	restore_defaults();
	syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), fault->signal, &fault->info);
}

/* The fault that another thread passed on; NULL: this is a signal of our own. */
static struct fault *passed_fault(const siginfo_t *info)
{
	struct fault *fault = info->si_value.sival_ptr;

	if (info->si_code != SI_QUEUE || info->si_pid != getpid())
		return NULL;
	return atomic_load_explicit(&fault->magic, memory_order_acquire) == MAGIC ? fault
										  : NULL;
}

static bool is_first_thread(const ucontext_t *context)
{
	return context->uc_stack.ss_size == STACK_BYTES;
}

static const struct recorder *find_crash(const ucontext_t *context)
{
	return (const struct recorder *)(void *)((char *)context->uc_stack.ss_sp - HEAD_BYTES);
}

/* Whoever ends the process goes on with that. */
static void report_exit(struct fault *fault, const ucontext_t *context)
{
	if (is_first_thread(context) && find_crash(context)->pid == getpid())
		report(find_crash(context), fault, NULL);
	atomic_store_explicit(&fault->is_reported, true, memory_order_release);
}

/* Whether it is a fault of somebody who counts with it. */
static bool is_guarded(const siginfo_t *info, const ucontext_t *context)
{
	return info->si_code > 0 && is_first_thread(context) && find_crash(context)->guard;
}

static void run_handler(int number, siginfo_t *info, void *data)
{
	const ucontext_t *context = data;
	const struct recorder *crash;
	struct fault *passed = passed_fault(info);
	struct fault fault = {.signal = number, .info = *info, .thread_id = (uint32_t)gettid()};

	if (passed && passed->is_exit) {
		report_exit(passed, context);
		return;
	}
	if (is_guarded(info, context))
		siglongjmp(*find_crash(context)->guard, 1);
	limit_time();
	if (!is_first_thread(context)) {
		pass_on(&fault, context);
		return;
	}
	/* From now on a fault here kills. */
	restore_defaults();
	crash = find_crash(context);
	if (passed)
		report(crash, passed, NULL);
	else
		report(crash, &fault, context);
	/* Blocked until we return; comes before the instruction at fault runs again. With the
	 * first signal's own information, for the core dump. */
	syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), number,
		passed ? &passed->info : &fault.info);
}

/* ---- exits */

/* Whether nobody has taken our place. */
static bool has_handler(int number)
{
	struct sigaction now;

	return sigaction(number, NULL, &now) == 0 && now.sa_flags & SA_SIGINFO &&
	       now.sa_sigaction == run_handler;
}

void recorder_note_exit(int status)
{
	struct fault fault = {
		.thread_id = (uint32_t)gettid(), .is_exit = true, .status = status};
	void *all[PAGE_FRAMES + 1];
	int n;

	if (!has_handler(SIGABRT))
		return;
	n = backtrace(all, PAGE_FRAMES + 1);
	for (int i = 1; i < n; i++) /* without this function */
		fault.frames[fault.n_frames++] = (uintptr_t)all[i];
	if (!send_to_first(&fault, SIGABRT))
		return;
	for (unsigned ms = 0;
	     ms < REPORT_MS && !atomic_load_explicit(&fault.is_reported, memory_order_acquire);
	     ms++)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	/* Should it come late all the same, it finds nothing. */
	atomic_store_explicit(&fault.magic, 0, memory_order_release);
}

static void on_process_exit(int status, void *context)
{
	(void)context;
	recorder_note_exit(status);
}

/* ---- */

static int install_handlers(void)
{
	struct sigaction action = {.sa_sigaction = run_handler,
				   .sa_flags = SA_SIGINFO | SA_ONSTACK};

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < ARRAY_LEN(fatal_signals); i++)
		if (sigaction(fatal_signals[i], &action, NULL) < 0)
			return -errno;
	return 0;
}

int recorder_new(struct recorder **ret_crash)
{
	size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
	char *memory = mmap(NULL, HEAD_BYTES + STACK_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	struct recorder *crash = (struct recorder *)(void *)memory;
	stack_t stack = {.ss_size = STACK_BYTES};
	void *frame[1];
	int r;

	if (memory == MAP_FAILED)
		return -errno;
	crash->pid = getpid();
	memcpy(crash->tag, "troupe-worker", sizeof("troupe-worker"));
	code_names_init(&crash->names);
	/* The first call loads the unwinder. */
	backtrace(frame, 1);
	stack.ss_sp = memory + HEAD_BYTES;
	/* So that the handler's own stack cannot run over into the state. */
	r = mprotect(memory + HEAD_BYTES - page_size, page_size, PROT_NONE) < 0 ||
			    sigaltstack(&stack, NULL) < 0
		    ? -errno
		    : install_handlers();
	if (r == 0 && on_exit(on_process_exit, NULL) != 0)
		r = -ENOMEM;
	if (r < 0)
		recorder_free(crash);
	else
		*ret_crash = crash;
	return r;
}

void recorder_free(struct recorder *crash)
{
	if (!crash)
		return;
	restore_defaults();
	sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL);
	code_names_fini(&crash->names);
	munmap(crash, HEAD_BYTES + STACK_BYTES);
}

void recorder_set_page(struct recorder *crash, struct page *page, const char *tag)
{
	size_t size = strnlen(tag, sizeof(crash->tag) - 1);

	memcpy(crash->tag, tag, size);
	crash->tag[size] = '\0';
	crash->page = page;
}

void recorder_set_loader(struct recorder *crash, struct loader *loader)
{
	crash->names.loader = loader;
}

void recorder_set_runtime(struct recorder *crash, const struct runtime *runtime)
{
	crash->runtime = runtime;
}

void recorder_set_channel(struct recorder *crash, const struct channel *channel)
{
	crash->channel = channel;
}

const struct code_names *recorder_names(const struct recorder *crash)
{
	return &crash->names;
}

void recorder_set_guard(struct recorder *crash, sigjmp_buf *guard)
{
	crash->guard = guard;
}
