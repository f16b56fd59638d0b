import jakarta.mail.*;
import jakarta.mail.internet.*;
import java.util.Properties;

public class Send {
  public static void main(String[] arguments) throws Exception {
    Properties properties = new Properties();
    properties.put("mail.smtp.host", "127.0.0.1");
    properties.put("mail.smtp.port", System.getenv("SMTP_PORT"));
    properties.put("mail.smtp.auth", "true");
    properties.put("mail.smtp.timeout", "20000");
    Session session = Session.getInstance(properties);
    MimeMessage message = new MimeMessage(session);
    message.setFrom(new InternetAddress("app@example.com"));
    message.setRecipients(Message.RecipientType.TO, "ann@example.org, bob@example.org");
    message.setSubject("Hello");
    message.setText("Hello");
    Transport.send(message, System.getenv("SMTP_USER"), System.getenv("SMTP_PASSWORD"));
  }
}
