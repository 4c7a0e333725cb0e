"""Forms of sign-in."""

from flask_wtf import FlaskForm
from wtforms import EmailField, PasswordField
from wtforms.validators import InputRequired


class SignInForm(FlaskForm):
    email = EmailField("E-mail", [InputRequired("Enter your e-mail.")])
    password = PasswordField("Password", [InputRequired("Enter your password.")])
