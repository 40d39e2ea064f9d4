/* base/: text lists, buffers, tables, failures, messages with descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/failure.h"
#include "base/fd.h"
#include "base/table.h"
#include "base/text.h"
#include "base/time.h"
#include "tests/unit/test.h"

TEST(text_list_grows_and_joins)
{
	_cleanup_text_list_ char **list = NULL;
	_cleanup_free_ char *joined = NULL;

	for (int i = 0; i < 9; i++)
		EXPECT(text_list_take(&list, text_format("%d", i)) == 0);
	EXPECT(text_list_length(list) == 9);
	EXPECT(text_list_contains(list, "8") && !text_list_contains(list, "9"));
	joined = text_list_join(list, ",");
	EXPECT_TEXT(joined, "0,1,2,3,4,5,6,7,8");
}

TEST(text_buffer_of_nothing_is_empty)
{
	struct text_buffer buffer = {};
	_cleanup_free_ char *text = text_buffer_finish(&buffer);

	EXPECT_TEXT(text, "");
}

TEST(text_distance_finds_misspellings)
{
	EXPECT(text_distance("MemoryMax", "MemoryMax", 9) == 0);
	EXPECT(text_distance("MemroyMax", "MemoryMax", 9) == 1);
	EXPECT(text_distance("Restrat", "Restart", 9) == 1);
	EXPECT(text_distance("Servise", "Service", 9) == 1);
	EXPECT(text_distance("ab", "ba", 9) == 1 && text_distance("ba", "b", 9) == 1);
	EXPECT(text_distance("ca", "abc", 9) == 3); /* no letter is edited twice */
	EXPECT(text_distance("", "abc", 9) == 3 && text_distance("abc", "", 9) == 3);
	EXPECT(text_distance("a", "entirely-else", 4) == 4);
}

TEST(table_keeps_what_was_put_through_growth_and_removal)
{
	struct table table = {};
	char keys[500][8];

	for (size_t i = 0; i < 500; i++) {
		snprintf(keys[i], sizeof keys[i], "k%zu", i);
		EXPECT(table_put(&table, keys[i], keys[i]) == 0);
	}
	EXPECT(table_put(&table, "k7", keys[0]) == -EEXIST);
	for (size_t i = 0; i < 500; i += 3)
		EXPECT(table_remove(&table, keys[i]) == keys[i]);
	for (size_t i = 0; i < 500; i++)
		EXPECT(table_get(&table, keys[i]) == (i % 3 ? keys[i] : NULL));
	EXPECT(table.count == 333);
	table_free(&table);
}

TEST(failure_prints_place_text_and_errno)
{
	struct failure failure = {};
	char text[256];

	EXPECT(failure_set(&failure, -ENOENT, NULL, "cannot open %s", "/x") == -ENOENT);
	EXPECT(failure_add_where(&failure, "web.service:3") == -ENOENT);
	EXPECT(failure_add_where(&failure, "other:1") == -ENOENT);
	EXPECT_TEXT(failure_print(&failure, text, sizeof text),
		    "web.service:3: cannot open /x: No such file or directory");
}

TEST(messages_carry_descriptors_and_never_block)
{
	int pair[2], fds[4], received[4];
	size_t n;
	char byte;

	EXPECT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	EXPECT(fd_receive_message(pair[1], &byte, 1, received, 4, &n) == -EAGAIN);
	EXPECT(pipe2(fds, O_CLOEXEC) == 0);
	EXPECT(fd_send_message(pair[0], "x", 1, fds, 2) == 0);
	EXPECT(fd_receive_message(pair[1], &byte, 1, received, 4, &n) == 1 && n == 2 && byte == 'x');
	EXPECT(fcntl(received[0], F_GETFD) == FD_CLOEXEC);
	fd_close(received[0]);
	fd_close(received[1]);
	/* Too many descriptors for the receiver: all are closed, the message is refused. */
	EXPECT(fd_send_message(pair[0], "y", 1, fds, 2) == 0);
	EXPECT(fd_receive_message(pair[1], &byte, 1, received, 1, &n) == -EMSGSIZE);
	fd_close(fds[0]);
	fd_close(fds[1]);
	fd_close(pair[0]);
	EXPECT(fd_receive_message(pair[1], &byte, 1, received, 4, &n) == 0);
	fd_close(pair[1]);
}

TEST(files_are_replaced_whole_and_read_with_a_limit)
{
	char directory[] = "/tmp/svcd-test-XXXXXX";
	_cleanup_free_ char *text = NULL;
	_cleanup_fd_ int fd = -1;

	EXPECT(mkdtemp(directory));
	fd = open(directory, O_DIRECTORY | O_CLOEXEC);
	EXPECT(fd_replace_file_at(fd, "state", "hello", 5, 0600) == 0);
	EXPECT(fd_replace_file_at(fd, "state", "hi", 2, 0600) == 0);
	EXPECT(fd_read_file_at(fd, "state", 100, &text) == 2);
	EXPECT_TEXT(text, "hi");
	EXPECT(fd_read_file_at(fd, "state", 1, &text) == -EFBIG);
	EXPECT(unlinkat(fd, "state", 0) == 0 && rmdir(directory) == 0);
}

TEST(time_add_sticks_at_infinity)
{
	EXPECT(time_add(USEC_INFINITY, 1) == USEC_INFINITY);
	EXPECT(time_add(1, 2) == 3);
}

TEST_MAIN
