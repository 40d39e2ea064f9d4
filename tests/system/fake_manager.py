#!/usr/bin/python3
"""Stands where svcd would: hands svc-init's socket to the test that listens at the path in the last argument, and stays until
the test ends it or the connection."""
import os
import socket
import sys

link = int(os.environ["SVC_INIT_FD"])
test = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
test.connect(sys.argv[-1])
socket.send_fds(test, [b"."], [link])
os.close(link)
command = test.recv(16)
sys.exit(int(command) if command else 0)
