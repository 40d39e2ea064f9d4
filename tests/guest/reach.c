/* Packets and ports that a control group's filters may refuse. Everything stays on the loopback interface. */
#include "guest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct reach_address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
	socklen_t size;
};

static bool reach_parse(const char *address, const char *port, struct reach_address *ret)
{
	*ret = (struct reach_address){};
	if (strchr(address, ':')) {
		ret->v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(atoi(port))};
		ret->size = sizeof ret->v6;
		return inet_pton(AF_INET6, address, &ret->v6.sin6_addr) == 1;
	}
	ret->v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(atoi(port))};
	ret->size = sizeof ret->v4;
	return inet_pton(AF_INET, address, &ret->v4.sin_addr) == 1;
}

static const char *reach_try(struct reach_address *to, const struct reach_address *from)
{
	int receiver = socket(to->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int sender = socket(to->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct pollfd event = {.fd = receiver, .events = POLLIN};
	const char *found = "ok";

	if (receiver < 0 || sender < 0 || bind(receiver, &to->any, to->size) < 0 ||
	    bind(sender, &from->any, from->size) < 0 || getsockname(receiver, &to->any, &to->size) < 0 ||
	    sendto(sender, "x", 1, 0, &to->any, to->size) < 0)
		found = strerrorname_np(errno);
	else if (poll(&event, 1, 300) != 1)
		found = "lost";
	close(receiver);
	close(sender);
	return found;
}

/* Sends a datagram to an address of our own, from itself or from another one: ok, the error's name, or lost where
 * nothing is received. */
static int reach_reach(char **words, int n)
{
	struct reach_address to, from;

	if (!reach_parse(words[0], "0", &to) || !reach_parse(words[n > 2 ? 2 : 0], "0", &from))
		return guest_failed("reach", "an address", "%s", words[0]);
	return guest_expect_text(words[0], words[1], reach_try(&to, &from));
}

static int reach_bind(char **words, int n _unused_)
{
	struct reach_address at;
	const char *found = "ok";
	int fd;

	if (!reach_parse(words[1], words[2], &at))
		return guest_failed("bind", "an address", "%s", words[1]);
	fd = socket(at.any.sa_family,
		    (strcmp(words[0], "udp") == 0 ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) < 0 ||
	    bind(fd, &at.any, at.size) < 0)
		found = strerrorname_np(errno);
	close(fd);
	return guest_expect_text(words[2], words[3], found);
}

const struct guest_verb reach_verbs[] = {
	{"reach", 2, 3, reach_reach, "ADDRESS ok|lost|ERRNO [FROM]"},
	{"bind", 4, 4, reach_bind, "tcp|udp ADDRESS PORT ok|ERRNO"},
	{},
};
