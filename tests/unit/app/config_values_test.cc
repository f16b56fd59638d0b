#include "app/config_values.h"

#include "app/config.h"

namespace postern::app {
namespace {

Settings settings_of(const std::string& text) {
  return parse_config("environment = \"development\"\n" + text, "/etc/postern/postern.toml").settings;
}

TEST(ConfigValues, TakeTheConfiguredHostName) {
  EXPECT_EQ(effective_hostname(settings_of("hostname = \"mail.example.org\"")), "mail.example.org");
  EXPECT_FALSE(effective_hostname(settings_of("")).empty());
}

TEST(ConfigValues, CarryTheStoreBoundsWithTheirUnits) {
  const auto options = make_store_options(
      settings_of("data_dir = \"/d\"\nspool_max_octets = 1073741824\nsettled_retention_hours = 2\nevent_retention_days = 3\n"
                  "capture_retention_hours = 4\n"), true);
  EXPECT_EQ(options.folder, "/d");
  EXPECT_TRUE(options.runs_recovery);
  EXPECT_EQ(options.spool.max_octets, 1'073'741'824u);
  EXPECT_EQ(options.spool.settled_retention, std::chrono::hours(2));
  EXPECT_EQ(options.spool.event_retention, std::chrono::hours(72));
  EXPECT_EQ(options.spool.capture_retention, std::chrono::hours(4));
}

TEST(ConfigValues, DefaultStoreBoundsAreTheStoresOwn) {
  const auto spool = make_store_options(settings_of(""), false).spool;
  const store::SpoolLimits own;
  EXPECT_EQ(spool.max_octets, own.max_octets);
  EXPECT_EQ(spool.min_free_octets, own.min_free_octets);
  EXPECT_EQ(spool.settled_retention, own.settled_retention);
  EXPECT_EQ(spool.settled_max_messages, own.settled_max_messages);
  EXPECT_EQ(spool.capture_retention, own.capture_retention);
  EXPECT_EQ(spool.capture_max_octets, own.capture_max_octets);
  EXPECT_EQ(spool.event_retention, own.event_retention);
  EXPECT_EQ(spool.event_max_count, own.event_max_count);
}

TEST(ConfigValues, CarryTheResolversServersAndTimeout) {
  const auto own = make_resolver_settings(settings_of(""));
  EXPECT_TRUE(own.servers.empty());
  EXPECT_EQ(own.timeout, dns::ResolverSettings().timeout);
  const auto given =
      make_resolver_settings(settings_of("resolver_addresses = [\"127.0.0.1@5353\"]\nresolver_timeout_seconds = 2\n"));
  EXPECT_EQ(given.servers, std::vector<std::string>{"127.0.0.1@5353"});
  EXPECT_EQ(given.timeout, std::chrono::seconds(2));
}

TEST(ConfigValues, GiveEachListenerItsTlsMode) {
  const auto settings = settings_of("max_message_octets = 100000\nmax_junk_commands_per_session = 12\n");
  ListenerSettings listener = settings.listeners.at(0);
  for (const auto& [word, mode] : {std::pair{"starttls", smtp::TlsMode::StartTls}, {"implicit", smtp::TlsMode::Implicit},
                                   {"none", smtp::TlsMode::None}}) {
    listener.tls = word;
    EXPECT_EQ(make_smtp_config(settings, listener).tls, mode) << word;
  }
  EXPECT_TRUE(make_smtp_config(settings, listener).allows_auth_without_tls);
  EXPECT_EQ(make_smtp_config(settings, listener).max_message_octets, 100'000u);
  EXPECT_EQ(make_smtp_config(settings, listener).max_junk, 12u);
}

TEST(ConfigValues, CarryARouteWhole) {
  const auto table = make_route_table(settings_of(
      "[[route]]\nname = \"a\"\nhost = \"h.example.org\"\nport = 465\ndomains = [\"x.org\"]\ntls = \"required\"\nimplicit_tls = "
      "true\n"
      "ca_file = \"ca.pem\"\nuser_name = \"u\"\npassword = \"fake\"\nmax_connections = 3\nidle_timeout_seconds = 9\n"));
  const auto& routes = table.routes();
  ASSERT_EQ(routes.size(), 1u);
  EXPECT_EQ(routes[0].port, 465);
  EXPECT_EQ(routes[0].tls, relay::TlsPolicy::Required);
  EXPECT_TRUE(routes[0].implicit_tls);
  EXPECT_EQ(routes[0].ca_file, "/etc/postern/ca.pem");
  EXPECT_EQ(routes[0].password.reveal(), "fake");
  EXPECT_EQ(routes[0].max_connections, 3u);
  EXPECT_EQ(routes[0].idle_timeout, std::chrono::seconds(9));
}

TEST(ConfigValues, LetIntoSpfWhoDelivers) {
  const auto spf_of = [](const std::string& routes) {
    std::string text = "hostname = \"relay.example.net\"\n";
    return make_spf_mechanisms(settings_of(text + routes));
  };
  const std::string local = "[[route]]\nname = \"a\"\nhost = \"127.0.0.1\"\ndomains = [\"x.org\"]\n";
  const std::string hop = "[[route]]\nname = \"b\"\nhost = \"smtp.hop.example\"\ndomains = [\"*\"]\n";
  EXPECT_EQ(spf_of(""), std::vector<std::string>()) << "nothing is delivered";
  EXPECT_EQ(spf_of(hop), std::vector<std::string>()) << "its operator knows";
  EXPECT_EQ(spf_of(local), std::vector<std::string>{"a:relay.example.net"});
  EXPECT_EQ(spf_of(local + hop + "spf = [\"include:_spf.hop.example\", \"a:relay.example.net\"]\n"),
            (std::vector<std::string>{"a:relay.example.net", "include:_spf.hop.example"}));
}

TEST(ConfigValues, PreferTheListenersOwnCertificate) {
  auto settings = settings_of("data_dir = \"/d\"");
  auto listener = settings.listeners.at(0);
  EXPECT_TRUE(certificate_files(settings, listener).is_self_signed);
  EXPECT_EQ(certificate_files(settings, listener).certificate, "/d/tls/self-signed.crt");
  settings.tls_certificate_file = "/c";
  settings.tls_key_file = "/k";
  EXPECT_EQ(certificate_files(settings, listener).key, "/k");
  listener.tls_certificate_file = "/own-c";
  listener.tls_key_file = "/own-k";
  EXPECT_EQ(certificate_files(settings, listener).certificate, "/own-c");
  EXPECT_FALSE(certificate_files(settings, listener).is_self_signed);
}

TEST(ConfigValues, KnowAListenerAgainByItsAddressAndPort) {
  const char* two = "[[listener]]\naddress = \"127.0.0.1\"\nport = 2525\n[[listener]]\naddress = \"127.0.0.1\"\nport = 2526\n";
  const auto settings = settings_of(two);
  auto wanted = settings.listeners.at(1);
  wanted.tls_certificate_file = "/another";
  EXPECT_EQ(find_listener(settings.listeners, wanted), &settings.listeners.at(1));
  wanted.port = 2527;
  EXPECT_EQ(find_listener(settings.listeners, wanted), nullptr);
  wanted.port = 2526;
  wanted.address = "127.0.0.2";
  EXPECT_EQ(find_listener(settings.listeners, wanted), nullptr);
}

TEST(ConfigValues, MakeTheKeyScheme) {
  const auto scheme =
      make_key_scheme(settings_of("key_brand = \"sk\"\nkey_has_environment = false\nmax_active_keys_per_account = 10\n"));
  EXPECT_EQ(scheme.brand, "sk");
  EXPECT_FALSE(scheme.has_environment);
  EXPECT_EQ(scheme.max_active_keys, 10u);
}

TEST(ConfigValues, MakeTheLogSetup) {
  const auto setup = make_log_setup(settings_of("log_level = \"warning\"\nlog_format = \"json\"\nlog_file = \"log\"\n"));
  EXPECT_EQ(setup.level, log::Level::Warning);
  EXPECT_EQ(setup.format, log::Format::Json);
  EXPECT_EQ(setup.path, "/etc/postern/log");
}

}  // namespace
}  // namespace postern::app
