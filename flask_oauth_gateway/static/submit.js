// response_mode=form_post: send the form on by itself; without JavaScript its button does it.
document.getElementById("answer").submit();
