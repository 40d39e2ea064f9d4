/* A server of one line, for tests of networks. */
#include "guest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int net_open(const char *port, struct sockaddr_in *ret)
{
	*ret = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(atoi(port)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

/* Answers every connection to 127.0.0.1:PORT with TEXT, until it is ended. */
static int net_listen(char **words, int n _unused_)
{
	struct sockaddr_in address;
	int fd = net_open(words[0], &address);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 16) < 0)
		return guest_failed("listen", words[0], "%s", strerror(errno));
	for (;;) {
		int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

		if (peer < 0)
			return guest_failed("listen", words[0], "%s", strerror(errno));
		send(peer, words[1], strlen(words[1]), MSG_NOSIGNAL);
		close(peer);
	}
}

static int net_connect(char **words, int n _unused_)
{
	struct sockaddr_in address;
	char text[256];
	int fd = net_open(words[0], &address);
	ssize_t length = -1;

	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
		length = recv(fd, text, sizeof text - 1, MSG_WAITALL);
	if (length < 0)
		strcpy(text, strerrorname_np(errno));
	else
		text[length] = 0;
	if (fd >= 0)
		close(fd);
	return guest_expect_text("connect", words[1], text);
}

const struct guest_verb net_verbs[] = {
	{"listen", 2, 2, net_listen, "PORT TEXT"},
	{"connect", 2, 2, net_connect, "PORT TEXT|ERRNO"},
	{},
};
