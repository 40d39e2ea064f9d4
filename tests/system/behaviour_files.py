"""What the units in behaviour/ find beside the image in @DIR@: used by test_behaviour.py and by tests/vm/run.py."""
import os

ENVIRONMENT_FILE = "# a comment\nC=file\nE=from-file\nF=\"quoted text\"\n; another comment\n"

FILES = {
    "environment": ENVIRONMENT_FILE,
    "layer1/over": "upper\n",
    "layer2/over": "hidden\n",
    "layer2/third": "third\n",
    "root/dev/mqueue/here": "a mount point\n",
}


def make_files(directory):
    for path, text in FILES.items():
        full = os.path.join(directory, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w") as file:
            file.write(text)
