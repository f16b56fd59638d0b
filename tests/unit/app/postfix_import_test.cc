// main.cf as people have it, and what becomes of it: a configuration that is taken, with a word on all that it leaves out.
#include "app/postfix_import.h"

#include "app/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace postern::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

PostfixImport import(std::string_view main_cf, std::map<std::string, std::string> files = {}) {
  return import_postfix(main_cf, [files = std::move(files)](const std::string& path) -> std::optional<std::string> {
    const auto found = files.find(path);
    return found == files.end() ? std::nullopt : std::optional(found->second);
  });
}

// The files that it names are not there: that is another matter.
Settings settings_of(const PostfixImport& made) {
  const ConfigLoad load = parse_config(made.toml, "/etc/postern/postern.toml");
  for (const auto& problem : load.problems) {
    if (!problem.is_warning && problem.key != "password_file") ADD_FAILURE() << format_problem(problem) << "\n" << made.toml;
  }
  return load.settings;
}

TEST(PostfixImport, TakesARelayWithAPasswordAndLeavesThePasswordWhereItIs) {
  const auto made = import(
      "myhostname = mail.example.org\nrelayhost = [smtp.example.net]:submission\nsmtp_sasl_auth_enable = yes\n"
      "smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd\nsmtp_tls_security_level = encrypt\n"
      "smtpd_tls_cert_file=/etc/ssl/mail.pem\nsmtpd_tls_key_file=$smtpd_tls_cert_file\nmessage_size_limit = 20480000\n"
      "maximal_queue_lifetime = 3d\nmynetworks = 127.0.0.0/8\n   10.0.0.0/8\nbiff = no\n",
      {{"/etc/postfix/sasl_passwd", "# ours\n[smtp.example.net]:submission relay@example.org:correct horse\n"}});
  const Settings settings = settings_of(made);
  EXPECT_EQ(settings.hostname, "mail.example.org");
  EXPECT_EQ(settings.tls_certificate_file, "/etc/ssl/mail.pem");
  EXPECT_EQ(settings.tls_key_file, "/etc/ssl/mail.pem");
  EXPECT_EQ(settings.max_message_octets, 20'480'000);
  EXPECT_EQ(settings.queue_lifetime_hours, 72);
  ASSERT_EQ(settings.routes.size(), 1u);
  EXPECT_EQ(settings.routes[0].host, "smtp.example.net");
  EXPECT_EQ(settings.routes[0].port, 587);
  EXPECT_EQ(settings.routes[0].tls, "required");
  EXPECT_EQ(settings.routes[0].user_name, "relay@example.org");
  EXPECT_THAT(made.toml, Not(HasSubstr("correct horse")));
  EXPECT_THAT(made.toml, HasSubstr("#   mynetworks: no client relays by its address"));
  EXPECT_THAT(made.toml, Not(HasSubstr("biff")));
  EXPECT_EQ(made.left, 1u);
}

TEST(PostfixImport, MakesARouteOfEachNextHopOfATransportTable) {
  const auto made = import(
      "smtpd_tls_chain_files = /etc/ssl/both.pem\ntransport_maps = lmdb:/etc/postfix/transport, ldap:/etc/postfix/ldap.cf\n"
      "smtp_tls_security_level = may\n",
      {{"/etc/postfix/transport",
        "a.example smtp:[10.0.0.1]\nb.example relay:hub.example:2525\nc.example :[10.0.0.1]\nd.example local:\n"
        "user@e.example smtp:[10.0.0.2]\n"}});
  const Settings settings = settings_of(made);
  ASSERT_EQ(settings.routes.size(), 3u);
  EXPECT_THAT(settings.routes[0].domains, testing::ElementsAre("a.example", "c.example"));
  EXPECT_EQ(settings.routes[0].host, "10.0.0.1");
  EXPECT_EQ(settings.routes[1].host, "hub.example");
  EXPECT_EQ(settings.routes[1].port, 2525);
  EXPECT_EQ(settings.routes[1].tls, "opportunistic");
  EXPECT_EQ(settings.routes[2].deliver, "mx");
  EXPECT_THAT(made.toml, HasSubstr("Postfix takes the MX of this name"));
  EXPECT_THAT(made.toml, HasSubstr("ldap:/etc/postfix/ldap.cf cannot be read"));
  EXPECT_THAT(made.toml, HasSubstr("d.example local: has no counterpart"));
  EXPECT_THAT(made.toml, HasSubstr("user@e.example smtp:[10.0.0.2] has no counterpart"));
}

TEST(PostfixImport, StaysOnThisMachineWherePostfixDoes) {
  const auto made = import("inet_interfaces = loopback-only\nrelayhost = [127.0.0.1]:2526\nsmtp_tls_security_level = none\n");
  const Settings settings = settings_of(made);
  ASSERT_EQ(settings.listeners.size(), 1u);
  EXPECT_EQ(settings.listeners[0].address, "127.0.0.1");
  EXPECT_EQ(settings.routes[0].tls, "none");
}

TEST(PostfixImport, SaysWhatLiesOutsideWhatAKeyTakesAndWhatItDoesNotKnow) {
  const auto made = import("smtpd_tls_cert_file = /c\nsmtpd_tls_key_file = /k\nsmtpd_recipient_limit = 5\nmessage_size_limit = 0\n"
                           "unheard_of = 1\nalways_bcc = archive@example.org\n");
  settings_of(made);
  EXPECT_THAT(made.toml, HasSubstr("#   smtpd_recipient_limit: max_recipients takes "));
  EXPECT_THAT(made.toml, HasSubstr("#   message_size_limit: there is always a limit"));
  EXPECT_THAT(made.toml, HasSubstr("#   unheard_of: has no counterpart"));
  EXPECT_THAT(made.toml, HasSubstr("#   always_bcc: there are no blind copies"));
  EXPECT_EQ(made.left, 4u);
}

TEST(PostfixImport, IsBoundedWhateverReferencesSay) {
  std::string bomb = "relayhost = ";
  for (int i = 0; i < 1'000; ++i) bomb += "$mydomain";
  const auto made = import("smtpd_tls_cert_file = /c\nsmtpd_tls_key_file = /k\nmyhostname = ${myhostname}\n" + bomb +
                           "\nmydomain = $relayhost$relayhost\nbroken line\n = \n$\n");
  EXPECT_THAT(made.toml, HasSubstr("[[route]]"));
  EXPECT_LT(made.toml.size(), 1'000'000u);
}

}  // namespace
}  // namespace postern::app
