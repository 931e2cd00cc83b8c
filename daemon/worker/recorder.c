/* recorder.c - a handler for the signals that end a process.
 *
 * Everything below run_handler() is async-signal-safe, or as good as: backtrace() and
 * dladdr() take no memory once they were called, and the linker's lock that dladdr() takes is
 * recursive. Should they hang or fault all the same: what is known without them is written
 * first, a second fault kills, and an alarm ends a handler that hangs.
 */
#include "worker/recorder.h"

#include "base/cleanup.h"
#include "base/io.h"
#include "base/sink.h"
#include "plugin/plugin_symbols.h"
#include "worker/crash_context.h"
#include "worker/crash_text.h"
#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
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
	const struct loader *loader;
	struct plugin_symbols *own; /* this program's functions; NULL: not known */
	uintptr_t own_base;         /* where it lies */
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

static bool find_in_plugin(const struct recorder *crash, uintptr_t address,
			   struct loader_symbol *ret_symbol)
{
	return crash->loader && loader_find_symbol(crash->loader, address, ret_symbol);
}

/* Whether there is code we know of. */
static bool is_in_module(const struct recorder *crash, uintptr_t address)
{
	struct loader_symbol symbol;
	Dl_info info;

	return find_in_plugin(crash, address, &symbol) || dladdr((void *)address, &info) != 0;
}

/* "hello.so(on_greet+0x1c)". A return address may be that of the next function: `back` is how
 * far before it the call is looked for. */
static void print_frame(const struct recorder *crash, uintptr_t address, uintptr_t back,
			char *buffer, size_t size)
{
	struct crash_text text = {buffer, size - 1};
	struct loader_symbol symbol;
	Dl_info info;

	if (find_in_plugin(crash, address - back, &symbol)) {
		crash_text_add_location(&text, symbol.plugin, symbol.function,
					symbol.offset + back);
	} else if (dladdr((void *)(address - back), &info) != 0 && info.dli_fname) {
		uint64_t offset = address - back - (uintptr_t)info.dli_fbase;
		const char *function = NULL, *slash = strrchr(info.dli_fname, '/');

		if ((uintptr_t)info.dli_fbase == crash->own_base)
			function = plugin_symbols_find(crash->own, offset, &offset);
		if (!function && info.dli_sname) {
			function = info.dli_sname;
			offset = address - back - (uintptr_t)info.dli_saddr;
		}
		crash_text_add_location(&text, slash ? slash + 1 : info.dli_fname,
					function ? function : "", offset + back);
	} else {
		crash_text_add_hex(&text, address);
	}
}

/* The stack of the code that the signal interrupted, without the handler's own frames. */
static void find_frames(struct fault *fault, const ucontext_t *context,
			const struct recorder *crash)
{
	void *all[PAGE_FRAMES + OWN_FRAMES];
	int n = backtrace(all, PAGE_FRAMES + OWN_FRAMES);
	uintptr_t pc = crash_context_pc(context);
	int first = 0;

	for (int i = 0; i < n && first == 0; i++)
		if ((uintptr_t)all[i] == pc)
			first = i;
	fault->is_exact = pc != 0 || first > 0;
	/* Called or jumped to where no code is: the unwinder cannot get past that. */
	if (pc != 0 && first == 0)
		fault->frames[fault->n_frames++] = pc;
	else
		while (first < n && fault->n_frames < PAGE_FRAMES)
			fault->frames[fault->n_frames++] = (uintptr_t)all[first++];
	if (fault->n_frames <= 1 && crash && !is_in_module(crash, pc))
		fault->frames[fault->n_frames++] = crash_context_caller(context);
}

/* ---- reporting */

/* Whether an instruction faulted; otherwise some process, perhaps this one, sent the signal. */
static bool is_fault(const struct fault *fault)
{
	return fault->info.si_code > 0;
}

static void write_record(struct page *page, const struct fault *fault)
{
	struct page_crash *record = &page->crash;

	record->signal = fault->signal;
	record->code = fault->info.si_code;
	record->thread_id = fault->thread_id;
	record->address = is_fault(fault) ? (uintptr_t)fault->info.si_addr : 0;
	record->n_frames = 0;
	record->thread = page->thread;
	atomic_store_explicit(&record->written, 1, memory_order_release);
}

static void write_frames(const struct recorder *crash, const struct fault *fault)
{
	struct page_crash *record = &crash->page->crash;

	for (uint32_t i = 0; i < fault->n_frames; i++) {
		struct page_frame *frame = &record->frames[i];
		uintptr_t back = i > 0 || !fault->is_exact;
		struct loader_symbol symbol;

		print_frame(crash, fault->frames[i], back, frame->text, sizeof(frame->text));
		frame->plugin = 0;
		if (find_in_plugin(crash, fault->frames[i] - back, &symbol)) {
			frame->plugin = symbol.number;
			frame->address = symbol.address;
		}
		record->n_frames = i + 1;
	}
}

/* "worker 2: SIGSEGV (code 1) at 0x0 in thread 4711: hello.so(on_greet+0x1c)
 * hello.so(+0x1234)" */
static void write_line(const struct recorder *crash, const struct fault *fault)
{
	char line[1024], frame[PAGE_SYMBOL];
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
	crash_text_add(&text, ":");
	for (uint32_t i = 0; i < fault->n_frames && i < 6; i++) {
		print_frame(crash, fault->frames[i], i > 0 || !fault->is_exact, frame,
			    sizeof(frame));
		crash_text_add(&text, " ");
		crash_text_add(&text, frame);
	}
	text.at[0] = '\n';
	sink_try(STDERR_FILENO, line, (size_t)(text.at + 1 - line));
}

static void report(const struct recorder *crash, struct fault *fault, const ucontext_t *context)
{
	/* The page is the worker's, and only for its own end: not for a forked child's. */
	bool has_page = crash->page && crash->pid == getpid();

	if (has_page)
		write_record(crash->page, fault);
	if (context)
		find_frames(fault, context, crash);
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
	find_frames(fault, context, NULL);
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

/* So that frames of the host have names, too. Without them a record is still of use. */
static void read_own_symbols(struct recorder *crash)
{
	cleanup_free char *file = NULL;
	size_t size;
	Dl_info info;

	if (dladdr((void *)(uintptr_t)read_own_symbols, &info) == 0 ||
	    io_file_read(AT_FDCWD, "/proc/self/exe", PLUGIN_FILE_MAX, &file, &size) < 0)
		return;
	crash->own_base = (uintptr_t)info.dli_fbase;
	if (plugin_symbols_read(file, size, &crash->own) < 0)
		crash->own = NULL;
}

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
	read_own_symbols(crash);
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
	plugin_symbols_free(crash->own);
	munmap(crash, HEAD_BYTES + STACK_BYTES);
}

void recorder_set_page(struct recorder *crash, struct page *page, const char *tag)
{
	size_t size = strnlen(tag, sizeof(crash->tag) - 1);

	memcpy(crash->tag, tag, size);
	crash->tag[size] = '\0';
	crash->page = page;
}

void recorder_set_loader(struct recorder *crash, const struct loader *loader)
{
	crash->loader = loader;
}
