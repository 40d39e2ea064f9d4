/* The event loop: signals, the manager's socket, the children's reports, and the nearest deadline. It waits
 * in one place. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "init/init.h"
#include "init/say.h"

int init_watch(struct init *init, int fd, uint32_t events, uint32_t what)
{
	struct epoll_event event = {.events = events, .data.u32 = what};

	return epoll_ctl(init->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

void init_unwatch(struct init *init, int fd)
{
	epoll_ctl(init->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

int init_setup(struct init *init)
{
	struct rlimit all;
	sigset_t signals;
	int r;

	sigfillset(&signals);
	init->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	init->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (init->epoll_fd < 0 || init->signal_fd < 0)
		return -errno;
	r = init_watch(init, init->signal_fd, EPOLLIN, INIT_EVENT_SIGNAL);
	if (r == 0)
		r = children_init(&init->children);
	if (r < 0)
		return r;
	/* A child costs up to three descriptors, and what is held for it. */
	if (getrlimit(RLIMIT_NOFILE, &init->files) < 0)
		return -errno;
	all = (struct rlimit){.rlim_cur = init->files.rlim_max, .rlim_max = init->files.rlim_max};
	setrlimit(RLIMIT_NOFILE, &all);
	init->shutdown.deadline = init->shutdown.next_at = USEC_INFINITY;
	return 0;
}

/* Signals that are requests to whoever runs the system. systemd(1), SIGNALS: SIGRTMIN+3 … +6 halt, power off,
 * reboot. */
static void init_on_signal(struct init *init, int signal_number)
{
	bool ends = signal_number == SIGTERM || signal_number == SIGINT || signal_number == SIGPWR ||
		    (signal_number >= SIGRTMIN + 3 && signal_number <= SIGRTMIN + 6);

	if (!ends && signal_number != SIGHUP)
		return;
	init->manager.signals |= 1ull << (signal_number - 1);
	if (ends && !manager_is_up(init))
		shutdown_expect_manager(init, signal_number);
}

static void init_on_signals(struct init *init)
{
	struct signalfd_siginfo signals[8];
	ssize_t n = read(init->signal_fd, signals, sizeof signals);
	bool child = false;

	for (ssize_t i = 0; i < n / (ssize_t)sizeof signals[0]; i++) {
		if (signals[i].ssi_signo == SIGCHLD)
			child = true;
		else
			init_on_signal(init, (int)signals[i].ssi_signo);
	}
	if (child)
		reap_all(init);
}

static void init_on_event(struct init *init, uint32_t what)
{
	struct child *child = children_at(&init->children, what & (INIT_EVENT_CHILD - 1));

	if (what == INIT_EVENT_SIGNAL)
		init_on_signals(init);
	else if (what == INIT_EVENT_MANAGER)
		request_receive(init);
	/* The record may have changed hands within one round of events; a descriptor that is not ready says
	 * so. */
	else if (what & INIT_EVENT_CHILD && child)
		reap_reports(init, child);
	else if (what & INIT_EVENT_PIDFD && child && child->adopted)
		reap_adopted(init, child);
}

static int init_timeout(const struct init *init)
{
	usec_t now = time_now(CLOCK_MONOTONIC), at = MIN_OF(init->shutdown.deadline, init->manager.retry_at);

	if (init->manager.pid == 0 && init->shutdown.stage == SHUTDOWN_NONE)
		at = MIN_OF(at, init->manager.start_at);
	if (init->shutdown.stage == SHUTDOWN_KILL)
		at = MIN_OF(at, init->shutdown.next_at);
	if (at == USEC_INFINITY)
		return -1;
	return at <= now ? 0 : (int)((at - now + USEC_PER_MSEC - 1) / USEC_PER_MSEC);
}

int init_run(struct init *init)
{
	while (init->shutdown.stage != SHUTDOWN_END) {
		struct epoll_event events[32];
		int n = epoll_wait(init->epoll_fd, events, ARRAY_SIZE(events), init_timeout(init));
		usec_t now;

		for (int i = 0; i < n; i++)
			init_on_event(init, events[i].data.u32);
		now = time_now(CLOCK_MONOTONIC);
		manager_on_timer(init, now);
		shutdown_on_timer(init, now);
		tell(init);
	}
	if (init->mode == LAUNCH_MODE_MACHINE)
		machine_end(init->shutdown.action);
	return init->shutdown.exit_status;
}
