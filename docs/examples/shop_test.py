"""postern test docs/examples/shop.toml -- python3 docs/examples/shop_test.py"""

import json
import os
import unittest
import urllib.request

from shop import RETURN_PATH, Shop


def ask(question, **body):
    """Of the run that `postern test` made (docs/testing.md)."""
    request = urllib.request.Request(f"{os.environ['POSTERN_URL']}/v1/test/runs/{os.environ['POSTERN_RUN']}/{question}",
                                     json.dumps(body).encode(), {"Authorization": f"Bearer {os.environ['POSTERN_KEY']}",
                                                                 "Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


class ShopTest(unittest.TestCase):
    def test_sign_up_by_the_code_in_the_mail(self):
        shop = Shop()
        shop.sign_up("ann@example.org")
        mail = ask("wait", to="ann@example.org", subject="confirm")
        self.assertTrue(mail["met"], mail["message"])
        shop.confirm("ann@example.org", mail["data"][0]["codes"][0]["code"])
        self.assertIn("ann@example.org", shop.confirmed)

    def test_a_new_password_though_the_server_is_busy_at_first(self):
        Shop().reset_password("bob@example.org")
        mail = ask("wait", to="bob@example.org", subject="password")
        self.assertIn("https://shop.example/reset?token=", mail["data"][0]["links"][0]["url"])

    def test_who_cannot_be_reached_is_known(self):
        shop = Shop()
        shop.sign_up("nobody@example.net")
        bounce = ask("wait", kind="notice", to=RETURN_PATH)
        self.assertTrue(bounce["met"], bounce["message"])
        shop.read_bounce("nobody@example.net")
        self.assertIn("nobody@example.net", shop.unreachable)


if __name__ == "__main__":
    unittest.main()
