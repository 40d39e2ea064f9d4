/* See terminal.h. The kernel's own structures are used (asm/termbits.h): the C library's termios is another one,
 * and the interpreter has no C library. */
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kd.h>
#include <linux/vt.h>
#include <string.h>

#include "base/fd.h"
#include "base/terminal.h"

/* Declared here because sys/ioctl.h and asm/termbits.h exclude each other. */
int ioctl(int fd, unsigned long request, ...);

struct terminal_size { /* struct winsize: tty_ioctl(4) */
	unsigned short rows, columns, x, y;
};

int terminal_open(const char *path, int flags)
{
	struct termios modes;
	int fd = open(path, flags | O_NOCTTY | O_NONBLOCK | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = ioctl(fd, TCGETS, &modes) < 0 || fcntl(fd, F_SETFL, flags) < 0 ? -errno : 0;
	if (r == 0)
		return fd;
	fd_close(fd);
	return r;
}

static int terminal_reset(const char *path)
{
	_cleanup_fd_ int fd = terminal_open(path, O_RDWR);
	struct termios modes;

	if (fd < 0)
		return fd;
	ioctl(fd, TIOCNXCL);
	/* Both are for virtual consoles; any other terminal refuses them. */
	ioctl(fd, KDSETMODE, KD_TEXT);
	ioctl(fd, KDSKBMODE, K_UNICODE);
	if (ioctl(fd, TCGETS, &modes) < 0)
		return -errno;
	modes.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | ISTRIP | INLCR | IGNCR | IUCLC);
	modes.c_iflag |= ICRNL | IMAXBEL | IUTF8;
	modes.c_oflag |= ONLCR | OPOST;
	modes.c_cflag |= CREAD;
	modes.c_lflag = ISIG | ICANON | IEXTEN | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE;
	modes.c_cc[VINTR] = 03;	 /* ^C */
	modes.c_cc[VQUIT] = 034; /* ^\ */
	modes.c_cc[VERASE] = 0177;
	modes.c_cc[VKILL] = 025;   /* ^U */
	modes.c_cc[VEOF] = 04;	   /* ^D */
	modes.c_cc[VSTART] = 021;  /* ^Q */
	modes.c_cc[VSTOP] = 023;   /* ^S */
	modes.c_cc[VSUSP] = 032;   /* ^Z */
	modes.c_cc[VLNEXT] = 026;  /* ^V */
	modes.c_cc[VWERASE] = 027; /* ^W */
	modes.c_cc[VREPRINT] = 022;
	modes.c_cc[VEOL] = modes.c_cc[VEOL2] = modes.c_cc[VTIME] = 0;
	modes.c_cc[VMIN] = 1;
	return ioctl(fd, TCSETS, &modes) < 0 ? -errno : 0;
}

static int terminal_hang_up(const char *path)
{
	_cleanup_fd_ int fd = terminal_open(path, O_RDWR);

	if (fd < 0)
		return fd;
	return ioctl(fd, TIOCVHANGUP) < 0 ? -errno : 0;
}

/* The number in "/dev/ttyN", 0 for any other name. */
static unsigned terminal_console_number(const char *path)
{
	static const char prefix[] = "/dev/tty";
	unsigned number = 0;

	if (strncmp(path, prefix, sizeof prefix - 1) != 0)
		return 0;
	for (path += sizeof prefix - 1; *path >= '0' && *path <= '9' && number < 64; path++)
		number = number * 10 + (unsigned)(*path - '0');
	return *path || number > 63 ? 0 : number;
}

static int terminal_clear(const char *path)
{
	/* scroll region, home, scrollback, reset: console_codes(4) */
	static const char sequence[] = "\033[r\033[H\033[3J\033c";
	unsigned number = terminal_console_number(path);
	_cleanup_fd_ int master = -1, fd = -1;

	if (number == 0)
		return 0;
	master = terminal_open("/dev/tty0", O_RDWR);
	if (master >= 0 && ioctl(master, VT_DISALLOCATE, number) == 0)
		return 0;
	fd = terminal_open(path, O_WRONLY); /* it is shown, or somebody has it open */
	return fd < 0 ? fd : fd_write_all(fd, sequence, sizeof sequence - 1);
}

int terminal_prepare(const char *path, unsigned what)
{
	int r = 0, then;

	if (what & TERMINAL_HANGUP)
		r = terminal_hang_up(path);
	if (what & TERMINAL_RESET && (then = terminal_reset(path)) < 0 && r == 0)
		r = then;
	if (what & TERMINAL_CLEAR && (then = terminal_clear(path)) < 0 && r == 0)
		r = then;
	return r;
}

int terminal_set_size(int fd, unsigned short rows, unsigned short columns)
{
	struct terminal_size size = {};

	if (rows == 0 && columns == 0)
		return 0;
	if (ioctl(fd, TIOCGWINSZ, &size) < 0)
		return -errno;
	size.rows = rows ? rows : size.rows;
	size.columns = columns ? columns : size.columns;
	return ioctl(fd, TIOCSWINSZ, &size) < 0 ? -errno : 0;
}
